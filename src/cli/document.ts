import { parseDocument } from 'yaml'
import { GatehouseError } from '../errors.ts'
import { isMap, type Body } from './body.ts'
import type { Inputs } from './inputs.ts'

/** The body in a file of YAML or JSON, for `--from`. Throws `invalid_request` with the line. */
export async function readBody(file: string, inputs: Inputs): Promise<Body> {
  const parsed = parseDocument(await inputs.text(file), { prettyErrors: true })
  const [error] = parsed.errors
  if (error !== undefined) {
    const at = error.linePos?.[0]
    const where = at === undefined ? '--from' : `--from line ${at.line}, column ${at.col}`
    throw misread(where, error.message.split('\n')[0]?.replace(/ at line .*$/, '') ?? 'must be YAML or JSON')
  }
  const body: unknown = parsed.toJS({ maxAliasCount: 100 })
  if (isMap(body)) return body
  throw misread('--from', 'must be a map of fields')
}

function misread(where: string, rule: string): GatehouseError {
  return new GatehouseError('invalid_request', `${where}: ${rule}`, { faults: [{ where, rule }] })
}
