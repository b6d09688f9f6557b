import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment } from './binary-run.ts'
import { compareVersions } from './binary-version.ts'
import { notedProcess, processNote } from './process-identity.ts'

const PACKAGED = '+debian'
const STAGING = '.fetching-'
const STAGING_AGE_MS_MAX = 2 * 60 * 60 * 1000
const LOCK_POLL_MS = 100

/** `GATEHOUSE_CACHE`, else `$XDG_CACHE_HOME/gatehouse`, else `~/.cache/gatehouse` (XDG Base Directory Specification). */
export function cacheFolder(env: Environment): string {
  const named = env['GATEHOUSE_CACHE']
  if (named !== undefined && named !== '') return named
  const xdg = env['XDG_CACHE_HOME']
  if (xdg !== undefined && xdg !== '') return join(xdg, 'gatehouse')
  return join(env['HOME'] ?? homedir(), '.cache', 'gatehouse')
}

/** Which program a cached file is. Files of several platforms can share one folder. */
export interface CacheName {
  readonly tool: string
  readonly platform: string
  readonly arch: string
}

export interface CacheEntry {
  readonly path: string
  readonly version: string
  /** Debian's build of that version, which may carry patches of its own. */
  readonly packaged: boolean
}

/**
 * One file a version: `nats-server-2.15.2-linux-x64`, or `nats-server-2.15.1+debian-linux-x64`. A file is put there
 * by one rename, so it is whole or absent, and whoever runs the old one keeps it.
 */
export function entryPath(cacheDir: string, name: CacheName, entry: Omit<CacheEntry, 'path'>): string {
  const [start, end] = around(name)
  return join(cacheDir, `${start}${entry.version}${entry.packaged ? PACKAGED : ''}${end}`)
}

/** Everything cached of one program, newest first. */
export async function cached(cacheDir: string, name: CacheName): Promise<CacheEntry[]> {
  const [start, end] = around(name)
  const files = await readdir(cacheDir).catch(() => [])
  return files
    .filter((file) => file.startsWith(start) && file.endsWith(end))
    .map((file) => ({ path: join(cacheDir, file), label: file.slice(start.length, -end.length) }))
    .map(({ path, label }) => ({
      path,
      version: label.replace(PACKAGED, ''),
      packaged: label.endsWith(PACKAGED),
    }))
    .sort((left, right) => compareVersions(right.version, left.version))
}

function around({ tool, platform, arch }: CacheName): [start: string, end: string] {
  return [`${tool}-`, `-${platform}-${arch}${platform === 'win32' ? '.exe' : ''}`]
}

/** Puts a program into the cache, in place of a damaged one if there is. */
export async function keep(program: string, path: string): Promise<void> {
  await chmod(program, 0o755)
  await rename(program, path)
}

/** Lends an empty folder on the same file system as the cache. What a killed process left behind goes at the next fetch. */
export async function withStaging<T>(cacheDir: string, work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(cacheDir, { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(cacheDir, STAGING))
  try {
    await sweep(cacheDir, (await stat(folder)).mtimeMs)
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function sweep(cacheDir: string, nowMs: number): Promise<void> {
  const folders = (await readdir(cacheDir)).filter((name) => name.startsWith(STAGING))
  for (const folder of folders.map((name) => join(cacheDir, name))) {
    const touched = await stat(folder).catch(() => undefined)
    if (touched === undefined || nowMs - touched.mtimeMs < STAGING_AGE_MS_MAX) continue
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Lets one process at a time do the work, so that a dozen test workers do not fetch a dozen copies. It only saves
 * effort: two that hold it at once (after a crash, or in two containers) do no harm.
 */
export async function withLock<T>(lock: Lock, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(lock.file), { recursive: true, mode: 0o700 })
  const mine = await processNote(process.pid)
  for (let attempt = 0; !(await take(lock.file, mine)); attempt += 1) {
    if (attempt === 0) lock.onWait()
    await sleep(LOCK_POLL_MS, undefined, lock.signal === undefined ? {} : { signal: lock.signal })
  }
  try {
    return await work()
  } finally {
    if ((await readFile(lock.file, 'utf8').catch(() => '')) === mine) await rm(lock.file, { force: true })
  }
}

export interface Lock {
  readonly file: string
  readonly signal: AbortSignal | undefined
  /** Called once, if another process holds it. */
  readonly onWait: () => void
}

async function take(file: string, mine: string): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, mine)
  try {
    // A link appears with its content in it, so nobody reads half a lock.
    await link(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
  const holder = await readFile(file, 'utf8').catch(() => mine)
  if ((await notedProcess(holder)) === undefined) await rm(file, { force: true })
  return false
}
