import { Command as Program } from 'commander'
import type { Command } from '../../src/admin/command.ts'
import type { Said } from '../../src/cli/body.ts'
import { declare, saidOf } from '../../src/cli/declare.ts'

/** What the program understands when somebody types this after the name of a command. */
export function typed(
  command: Command,
  args: readonly string[],
): { readonly said: Said; readonly limit?: number } {
  const root = new Program('gatehouse').enablePositionalOptions().exitOverride()
  root.configureOutput({ writeErr: () => undefined })
  const declared = declare(root, 'it', command)
  let said: Said = new Map()
  declared.program.action((...received: unknown[]) => {
    said = saidOf(declared, received.slice(0, declared.places))
  })
  root.parse(['it', ...args], { from: 'user' })
  const { limit } = declared.program.opts<{ limit?: string }>()
  return { said, ...(limit !== undefined && { limit: Number(limit) }) }
}
