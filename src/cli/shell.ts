import type { Environment } from '../config.ts'
import type { Inputs } from './inputs.ts'
import type { Terminal } from './terminal.ts'

/** What surrounds one run of the program. */
export interface Shell {
  readonly env: Environment
  readonly terminal: Terminal
  /** Where the sample documents are. */
  readonly packageDir: string
  readonly inputs: Inputs
  /** Writes a result whole, however slowly it is read. False when nobody reads any more. */
  readonly print: (text: string) => Promise<boolean>
  /** Unix time, in milliseconds. */
  readonly nowMs: () => number
  /** From now on an interruption is no death: it aborts this, and the command ends well. */
  readonly interruption: () => AbortSignal
}

/** Waits for a reader that is slow, unlike an outlet, which drops: a result that is cut short is a wrong one. */
export function printer(stream: NodeJS.WritableStream): Shell['print'] {
  return (text) =>
    new Promise((resolve) => {
      if (text === '') resolve(true)
      else stream.write(text, (error) => resolve(error === undefined || error === null))
    })
}
