import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { randomUUID } from 'node:crypto'
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

/**
 * The lock is a link to a note written before, so it is never seen half written. A stale one is moved aside and looked
 * at again: another process may have taken it over in between, and then gets it back.
 */
async function takeLock(lock: string, path: string): Promise<void> {
  const draft = `${lock}.${randomUUID()}`
  const aside = `${draft}.stale`
  write(openSync(draft, 'wx', 0o600), await processNote(process.pid))
  try {
    while (!links(draft, lock)) {
      const note = readIfThere(lock)
      const holder = await notedProcess(note)
      if (holder !== undefined) throw inUse(path, holder)
      if (unlessMissing(() => renameSync(lock, aside)) && readIfThere(aside) !== note) links(aside, lock)
      rmSync(aside, { force: true })
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

function inUse(path: string, holder: number): GatehouseError {
  const message = `${path} belongs to a running Gatehouse (pid ${holder}): stop it, or use another --data-dir`
  return new GatehouseError('in_use', message)
}

function readIfThere(file: string): string {
  let text = ''
  unlessMissing(() => (text = readFileSync(file, 'utf8')))
  return text
}

/** False when somebody was faster. */
function links(from: string, to: string): boolean {
  return unlessCode('EEXIST', () => linkSync(from, to))
}

function unlessMissing(act: () => unknown): boolean {
  return unlessCode('ENOENT', act)
}

function unlessCode(code: string, act: () => unknown): boolean {
  try {
    act()
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === code) return false
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
