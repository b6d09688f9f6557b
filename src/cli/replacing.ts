import type { z } from 'zod'
import type { Command } from '../admin/command.ts'
import type { Fault } from '../errors.ts'
import type { Body } from './body.ts'
import type { Fields } from './fields.ts'

/** Optional, but they say whose it is, and how it is done, not what it becomes. */
const NO_VALUES: readonly string[] = ['account', 'force']

/**
 * Whether a command puts something in the place of what is there, and takes a body that says nothing as that
 * something. On the bus that is a body somebody wrote; on a command line it is more often a flag that was forgotten.
 */
export function replaces({ name, request }: Command): boolean {
  const [, verb = ''] = name.split('.')
  return /^(?:update|set)-/.test(verb) && valuesOf(request).length > 0
}

/** The fields that may be left out, and with that take away what is there. None where one of them must be said. */
function valuesOf(request: Command['request']): readonly string[] {
  const shape: Readonly<Record<string, z.ZodType>> = request.shape
  return Object.entries(shape)
    .filter(([name]) => !NO_VALUES.includes(name))
    .flatMap(([name, schema]) => (schema.safeParse(undefined).success ? [name] : []))
}

interface Replacing {
  readonly command: Command
  readonly fields: Fields
  readonly flags: { readonly clear?: true | undefined }
}

/** Nothing is taken away that nobody asked to take away. `body` has what a document says, too. */
export function replacementFaults({ command, fields, flags }: Replacing, body: Body): readonly Fault[] {
  if (!replaces(command)) return []
  const values = valuesOf(command.request)
  const isSaid = values.some((name) => body[name] !== undefined)
  if (isSaid && flags.clear === true)
    return [{ where: '--clear', rule: 'must not stand beside what should be there instead' }]
  if (isSaid || flags.clear === true) return []
  return [{ where: wordsOf(values, fields), rule: 'say what, or --clear to take it away' }]
}

const SHOWN = 3

/** The flags that would say it, as many as fit into a line. */
function wordsOf(values: readonly string[], { fields, unsaid }: Fields): string {
  const flags = fields.filter(({ path, isHidden }) => !isHidden && values.includes(String(path[0])))
  const words = flags.map(({ word }) => word)
  if (words.length === 0) return unsaid.map(({ path }) => `${path.join('.')} of --from`).join(', ')
  return words.length <= SHOWN ? words.join(', ') : `${words.slice(0, SHOWN).join(', ')} …`
}
