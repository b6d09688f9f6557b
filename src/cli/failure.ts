import { GatehouseError } from '../errors.ts'
import { nextStep, type Asking } from './next-step.ts'
import type { Shell } from './shell.ts'
import { plain } from './table.ts'
import { styled, type Outlet } from './terminal.ts'

/** What a person or a program is told of an error. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly faults: readonly { readonly where: string; readonly rule: string }[]
  /** What to do now. */
  readonly next?: string | undefined
}

/** Used wrongly, rather than failed. */
const MISUSE: readonly string[] = [
  'invalid_request',
  'unenforceable',
  'invalid_configuration',
  'invalid_document',
]

/** 1 failed, 2 used wrongly. */
export function exitCodeOf({ code }: Failure): 1 | 2 {
  return MISUSE.includes(code) ? 2 : 1
}

export function failureOf(error: unknown, asking?: Asking): Failure {
  if (error instanceof GatehouseError) {
    const { code, message, faults } = error
    return { code, message, faults, next: nextStep(error, asking) }
  }
  // What the operating system says on purpose needs no stack; a fault of ours does.
  const isExpected = error instanceof Error && 'syscall' in error
  const message = error instanceof Error ? (isExpected ? error.message : (error.stack ?? error.message)) : ''
  return { code: 'internal_error', message: message || String(error), faults: [] }
}

export function tellFailure(err: Outlet, failure: Failure, format: 'text' | 'json'): void {
  if (format === 'json') {
    err.write(`${JSON.stringify({ error: failure })}\n`)
    return
  }
  const { code, message, faults, next } = failure
  // Summaries of faults say the same as the list below them.
  const summary =
    faults.length > 0 && ['invalid_request', 'unenforceable'].includes(code)
      ? 'the request has faults'
      : message
  const lines = [
    `${summary} (${code})`,
    ...faults.map(({ where, rule }) => (where === '' ? `  ${rule}` : `  ${where}: ${rule}`)),
    ...(next === undefined ? [] : [`  ${next}`]),
  ].flatMap((text) => text.split('\n').map(plain))
  err.write(`${styled(err, 'red', 'gatehouse: error:')} ${lines.join('\n')}\n`)
}

/** How errors are told to whoever gave these flags. */
export function failureFormat({ json, output }: Reporting['given']): 'text' | 'json' {
  return json === true || output === 'json' ? 'json' : 'text'
}

/** What the parser of the command line says, before any command is run. */
export function tellMisuse(err: Outlet, text: string, argv: readonly string[]): void {
  const [, verb] = argv.slice(1)
  const message = text.trim().replace(/^error: /, '')
  // `gatehouse up --json` is about what it says, not about its errors.
  const isJson = verb !== 'up' && (argv.includes('--json') || /--output[= ]json/.test(argv.join(' ')))
  const next = 'gatehouse --help shows the commands, and --help after a command its flags'
  if (isJson) tellFailure(err, { code: 'invalid_request', message, faults: [], next }, 'json')
  else err.write(`gatehouse: error: ${message}\n  ${next}\n`)
}

export interface Reporting extends Asking {
  readonly shell: Shell
  readonly given: Readonly<Record<string, unknown>>
}

/** Tells an error as it was asked for, and sets the exit code. */
export async function reporting(reported: Reporting, act: () => Promise<void>): Promise<void> {
  const { shell, given } = reported
  try {
    await act()
  } catch (error) {
    const failure = failureOf(error, reported)
    tellFailure(shell.terminal.err, failure, failureFormat(given))
    process.exitCode = exitCodeOf(failure)
  }
}
