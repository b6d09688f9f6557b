import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { GatehouseError } from '../errors.ts'
import { notedProcess, processNote } from './process-identity.ts'

/** Where everything of one system on one machine is kept. Only its owner may look inside (0700). */
export interface DataDir extends AsyncDisposable {
  readonly path: string
  file(name: string): string
}

const LOCK = 'gatehouse.pid'

/**
 * Opens the directory, made if need be, for this process alone. Throws `in_use` while another Gatehouse runs on it;
 * what one left behind that was killed is taken over.
 */
export async function openDataDir(path: string): Promise<DataDir> {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  chmodSync(path, 0o700)
  const lock = join(path, LOCK)
  await takeLock(lock, path)
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.asyncDispose]() {
      rmSync(lock, { force: true })
      return Promise.resolve()
    },
  }
}

async function takeLock(lock: string, path: string): Promise<void> {
  const note = await processNote(process.pid)
  if (createExclusively(lock, note)) return
  const holder = await notedProcess(readFileSync(lock, 'utf8'))
  if (holder !== undefined) {
    throw new GatehouseError(
      'in_use',
      `${path} belongs to a running Gatehouse (pid ${holder}): stop it, or use another --data-dir`,
    )
  }
  rmSync(lock, { force: true })
  if (!createExclusively(lock, note)) {
    throw new GatehouseError('in_use', `${path} was just taken by another Gatehouse: use another --data-dir`)
  }
}

function createExclusively(file: string, text: string): boolean {
  try {
    write(openSync(file, 'wx', 0o600), text)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** Writes a file whole or not at all, readable by its owner only, and on disk when it returns. */
export function writeAtomically(file: string, text: string): void {
  const draft = `${file}.${process.pid}`
  write(openSync(draft, 'w', 0o600), text)
  renameSync(draft, file)
}

function write(descriptor: number, text: string): void {
  try {
    writeSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
