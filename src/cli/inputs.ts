import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { GatehouseError } from '../errors.ts'
import type { Outlet } from './terminal.ts'

/** Where a command reads what must not be on the command line. */
export interface Inputs {
  /** The text of a file; of standard input for `-`. Throws `invalid_configuration`. */
  text(file: string): Promise<string>
  /** The same without the newline at its end. Throws when nothing is left. */
  secret(file: string): Promise<string>
  /** Asks on the terminal, twice, without showing what is typed; undefined where there is no terminal. */
  ask(what: string): Promise<string | undefined>
}

const STDIN = '-'

export function openInputs(stdin: NodeJS.ReadStream, err: Outlet): Inputs {
  let isRead = false
  const text = async (file: string): Promise<string> => {
    if (file !== STDIN) return readFile(file, 'utf8').catch((error: unknown) => unreadable(file, error))
    if (isRead) throw new GatehouseError('invalid_configuration', 'only one flag can read standard input')
    isRead = true
    return textOf(stdin)
  }
  return {
    text,
    async secret(file) {
      const secret = (await text(file)).replace(/\r?\n$/, '')
      if (secret !== '') return secret
      throw new GatehouseError('invalid_configuration', `${nameOf(file)} is empty`)
    },
    async ask(what) {
      if (!stdin.isTTY || !err.isTTY) return undefined
      const first = await typed(stdin, err, `${what}: `)
      if ((await typed(stdin, err, `${what} again: `)) === first) return first
      throw new GatehouseError('invalid_request', 'what was typed the second time is not the same')
    },
  }
}

function nameOf(file: string): string {
  return file === STDIN ? 'standard input' : file
}

function unreadable(file: string, error: unknown): never {
  const why = error instanceof Error && 'code' in error ? String(error.code) : 'it failed'
  throw new GatehouseError('invalid_configuration', `${file} cannot be read (${why})`, { cause: error })
}

const ENTER = ['\r', '\n']
const ERASE = ['\u007f', '\b']
const [CTRL_C, CTRL_D, CTRL_U] = ['\u0003', '\u0004', '\u0015']

/** A line that is typed without being shown. */
async function typed(stdin: NodeJS.ReadStream, err: Outlet, prompt: string): Promise<string> {
  err.write(prompt)
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  try {
    return await line(stdin)
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    err.write('\n')
  }
}

function line(stdin: NodeJS.ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let typedSoFar: readonly string[] = []
    const end = (): void => void stdin.off('data', take)
    const take = (chunk: string): void => {
      const letters = Array.from(chunk)
      for (const [i, letter] of letters.entries()) {
        if (letter === CTRL_C || letter === CTRL_D) {
          end()
          reject(new GatehouseError('invalid_request', 'nothing was typed'))
          return
        }
        if (ENTER.includes(letter)) {
          end()
          const rest = letters.slice(i + 1).join('')
          if (rest !== '') stdin.unshift(rest, 'utf8') // Pasted in one go: it is the next line.
          resolve(typedSoFar.join(''))
          return
        }
        if (letter === CTRL_U) typedSoFar = []
        else if (ERASE.includes(letter)) typedSoFar = typedSoFar.slice(0, -1)
        else typedSoFar = [...typedSoFar, letter]
      }
    }
    stdin.on('data', take)
    stdin.resume()
  })
}
