import { GatehouseError } from '../errors.ts'
import type { Terminal } from './terminal.ts'
import { readUpFile } from './up-file.ts'

/** Prints the token of a sample user, and nothing else, for `$(gatehouse token alice@example.com)`. */
export async function token(name: string, dataDir: string, { out }: Terminal): Promise<void> {
  const { tokens } = await readUpFile(dataDir)
  if (!Object.hasOwn(tokens, name)) {
    throw new GatehouseError(
      'not_found',
      `there is no token of "${name}": there are ${Object.keys(tokens).join(', ')}`,
    )
  }
  out.write(`${String(tokens[name])}\n`)
}
