import { execFile } from 'node:child_process'
import { access, constants, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'

/** Environment variables, handed in: src/config.ts alone reads the process's own. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface RunOptions {
  readonly env: Environment
  readonly timeoutMs: number
  readonly cwd?: string
  readonly signal?: AbortSignal | undefined
}

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024
const REASON_LENGTH_MAX = 300

/**
 * Runs an outside program to its end and gives what it printed on stdout. Rejects when it cannot be started,
 * fails or takes too long; `reasonOf` makes one line of that.
 */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, {
    env: { ...options.env, LC_ALL: 'C' },
    timeout: options.timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_BYTES_MAX,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  return stdout
}

/** Why something failed, in one line: the program's own words where it has any. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { stderr, killed, code } = error as Error & { stderr?: string; killed?: boolean; code?: unknown }
  if (killed === true && error.name !== 'AbortError') return 'took too long'
  const lines = (stderr ?? '').split('\n').filter((line) => line.trim() !== '')
  // apt prints its faults first and a summary of no use last; everyone else comes to the point at the end.
  const said = lines.find((line) => line.startsWith('E: ')) ?? lines.at(-1)
  // fetch only says "fetch failed" and keeps the reason to itself.
  const cause = error instanceof TypeError && error.cause instanceof Error ? reasonOf(error.cause) : undefined
  const text = said ?? (code === 'ENOENT' ? 'no such program' : (cause ?? error.message))
  return text.trim().slice(0, REASON_LENGTH_MAX)
}

/** The file that a shell would run for this name. Relative entries of PATH are left out: they mean the project's own folder. */
export async function programOnPath(name: string, env: Environment): Promise<string | undefined> {
  const names = process.platform === 'win32' ? [`${name}.exe`] : [name]
  const folders = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute)
  for (const file of folders.flatMap((folder) => names.map((each) => join(folder, each)))) {
    if (await isProgram(file)) return file
  }
  return undefined
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}
