import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import type { UpFile } from '../../src/cli/up-file.ts'
import { eventually } from './eventually.ts'
import { PROJECT } from './world.ts'

/** Ports that nobody else has. */
export const ANYWHERE = ['--listen', '--http', '--websocket', '--mqtt'].flatMap((flag) => [
  flag,
  '127.0.0.1:0',
])

const NOT_IN_A_CLONE = ['.git', '.gatehouse', 'node_modules', 'dist', 'coverage']

/** The project as a fresh clone has it: nothing installed, nothing built. */
export async function copyProject(to: string): Promise<void> {
  await cp(PROJECT, to, {
    recursive: true,
    filter: (source) => {
      const [first = ''] = relative(PROJECT, source).split(sep)
      return !NOT_IN_A_CLONE.includes(first) && !first.startsWith('.dist-') && !first.endsWith('.tsbuildinfo')
    },
  })
}

export interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A program that was started, in a process group of its own. Leaving the scope kills it, if it still runs. */
export interface Run extends AsyncDisposable {
  readonly child: ChildProcess
  readonly pid: number
  readonly out: () => string
  readonly err: () => string
  readonly finished: Promise<Finished>
}

interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** What it reads on standard input. Nothing is there when it is absent. */
  readonly input?: string
}

/** `gatehouse` with these arguments, as it stands in the project. */
export function gatehouse(args: readonly string[], options: RunOptions = {}): Run {
  const { cwd = PROJECT } = options
  return run([process.execPath, join(cwd, 'bin', 'gatehouse.mjs'), ...args], options)
}

/** `gatehouse up` on any free ports. */
export function up(dataDir: string, options: RunOptions & { readonly args?: readonly string[] } = {}): Run {
  return gatehouse(['up', '--data-dir', dataDir, ...ANYWHERE, ...(options.args ?? [])], options)
}

export function run(
  [program = '', ...args]: readonly string[],
  { cwd = PROJECT, env = {}, input }: RunOptions,
): Run {
  // Whoever runs the tests may have settings of their own. Where nats-server is found is theirs to say.
  const ours = /^GATEHOUSE_(?!NATS_SERVER|CACHE)/
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name))
  const child = spawn(program, args, {
    cwd,
    env: { ...Object.fromEntries(kept), ...env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.on('error', () => undefined) // Not everybody reads it.
  child.stdin.end(input)
  let [out, err] = ['', '']
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()))
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
  })
  return {
    child,
    pid: child.pid ?? 0,
    out: () => out,
    err: () => err,
    finished,
    async [Symbol.asyncDispose]() {
      try {
        process.kill(-(child.pid ?? 0), 'SIGTERM') // The group: what a program leaves behind goes too.
      } catch {
        // Nobody is left of it.
      }
      await finished
    },
  }
}

/** Waits until it is up, and reads what it tells scripts. */
export async function upFile(started: Run, dataDir: string, ms = 60_000): Promise<UpFile> {
  const file = join(dataDir, 'up.json')
  const text = await eventually(() => {
    if (started.child.exitCode !== null) throw new Error(`it ended: ${started.out()}${started.err()}`)
    // One that a killed run left may go between two looks at it.
    return readFile(file, 'utf8').catch(() => undefined)
  }, ms)
  return JSON.parse(text) as UpFile
}

/** Command lines of the processes that have to do with a folder. */
export async function processesOf(folder: string): Promise<readonly string[]> {
  const lines = existsSync('/proc/self/cmdline') ? await linuxCommandLines() : await psCommandLines()
  return lines.filter((line) => line.includes(folder))
}

async function linuxCommandLines(): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
}

async function psCommandLines(): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-Aww', '-o', 'args='])
  return stdout.split('\n')
}

/** Every file under a folder with its text, byte for byte as latin1. */
export async function filesUnder(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const path = join(folder, name)
    if ((await stat(path)).isFile()) files.set(name, await readFile(path, 'latin1'))
  }
  return files
}

/** What a folder holds, in a form that is equal exactly when nothing was touched. */
export async function listing(folder: string): Promise<readonly string[]> {
  const lines: string[] = []
  for (const [name, text] of await filesUnder(folder)) {
    const { mode, mtimeMs } = await stat(join(folder, name))
    lines.push(`${name} ${mode} ${mtimeMs} ${createHash('sha256').update(text, 'latin1').digest('hex')}`)
  }
  return lines
}
