import { Option, type Command as Program } from 'commander'
import { GatehouseError } from '../errors.ts'
import { FORMATS, type Format } from './output.ts'
import type { TargetFlags } from './target.ts'

/** The flags of everything that connects, as they were typed. */
export interface ConnectionFlags extends TargetFlags {
  readonly output?: string
  readonly json?: true
  readonly timeout?: string
}

const CONNECTION = 'Connection:'
const CONNECTION_FLAGS = [
  ['--context <name>', 'the context to use; gatehouse context list shows which there are'],
  ['--server <url>', 'the NATS server, or several with commas between them'],
  ['--token-file <file>', 'a file with the token to connect with, or -'],
  ['--creds <file>', 'a creds file to connect with'],
  ['--inbox-prefix <prefix>', 'where replies come in, for a user whose inbox is private'],
  ['--data-dir <dir>', 'the directory of a running gatehouse up, to send as its admin'],
  ['--timeout <duration>', 'how long to wait for an answer (default: 10s)'],
] as const

/** The flags of everything that shows something. */
export function addOutputOptions(program: Program): void {
  const output = new Option('--output <format>', 'how to show the reply')
  output.argChoices = [...FORMATS] // Told only: what is wrong with another is said as every other fault is.
  program.addOption(output).option('--json', 'the same as --output json; errors are JSON too')
}

/** The flags of everything that connects. */
export function addConnectionOptions(program: Program): void {
  addOutputOptions(program)
  for (const [flag, description] of CONNECTION_FLAGS)
    program.addOption(new Option(flag, description).helpGroup(CONNECTION))
}

/** Throws `invalid_request` for one that is not there. */
export function formatOf({ output, json }: ConnectionFlags): Format {
  const format = json === true ? 'json' : (output ?? 'table')
  const known = FORMATS.find((each) => each === format)
  if (known !== undefined) return known
  throw misused('--output', `must be ${FORMATS.join(', ')}`)
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }

/** In milliseconds. */
export function timeoutOf({ timeout }: ConnectionFlags): number | undefined {
  if (timeout === undefined) return undefined
  const [, n, unit = 's'] = /^(\d{1,6})(ms|s|m)?$/.exec(timeout) ?? []
  const ms = Number(n) * (UNIT_MS[unit] ?? 0)
  if (ms > 0) return ms
  throw misused('--timeout', 'must be a duration such as 500ms, 10s or 1m')
}

/** A flag that was used wrongly. */
export function misused(where: string, rule: string): GatehouseError {
  return new GatehouseError('invalid_request', `${where} ${rule}`, { faults: [{ where, rule }] })
}
