import { openInputs } from '../../src/cli/inputs.ts'
import type { Shell } from '../../src/cli/shell.ts'
import type { Outlet } from '../../src/cli/terminal.ts'
import { PROJECT } from './world.ts'

/** A shell without a terminal, and what was said to it. */
export interface Listened {
  readonly shell: Shell
  readonly out: () => string
  readonly err: () => string
}

export function listenedShell(signal = new AbortController().signal): Listened {
  const said = { out: '', err: '' }
  const outlet = (side: 'out' | 'err'): Outlet => ({
    isTTY: false,
    hasColors: false,
    write: (text) => void (said[side] += text),
  })
  const terminal = { out: outlet('out'), err: outlet('err') }
  return {
    shell: {
      env: {},
      terminal,
      packageDir: PROJECT,
      inputs: openInputs(process.stdin, terminal.err),
      print: (text) => {
        said.out += text
        return Promise.resolve(true)
      },
      nowMs: Date.now,
      interruption: () => signal,
    },
    out: () => said.out,
    err: () => said.err,
  }
}
