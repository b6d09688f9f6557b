import { closeSync, openSync, writeSync } from 'node:fs'
import { GatehouseError } from '../errors.ts'

/** A log in a file (0600), line by line. Lines that were appended are in the file, whatever happens next. */
export interface LogFile extends Disposable {
  readonly append: (line: string) => void
}

/**
 * Opens it, or throws `invalid_configuration`. A line that cannot be written (a full disk) is lost, and `lost` hears
 * why; the next one is tried again.
 */
export function openLogFile(path: string, lost: (error: unknown) => void): LogFile {
  const file = openToAppend(path)
  let isOpen = true
  return {
    append(line) {
      if (!isOpen) return // Last words of a process that has gone; the descriptor may be another file's by now.
      try {
        writeSync(file, `${line}\n`)
      } catch (error) {
        lost(error)
      }
    },
    [Symbol.dispose]() {
      isOpen = false
      closeSync(file)
    },
  }
}

function openToAppend(path: string): number {
  try {
    return openSync(path, 'a', 0o600)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GatehouseError('invalid_configuration', `cannot write the log ${path}: ${why}`, { cause })
  }
}
