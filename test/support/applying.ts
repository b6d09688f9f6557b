import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { applyPaths, type ApplyFlags, type Outcome } from '../../src/cli/apply.ts'
import { temporaryFolder } from './programs.ts'
import { listenedShell } from './shell.ts'
import type { World } from './world.ts'

export interface Said {
  readonly outcome: Outcome
  readonly out: string
  readonly err: string
}

/** A folder of documents, and an admin who applies them. */
export interface Applying extends AsyncDisposable {
  readonly path: string
  /** Connects as the admin. */
  readonly flags: ApplyFlags
  /** The same as arguments of the program. */
  readonly args: readonly string[]
  write(path: string, text: string): Promise<string>
  apply(paths: readonly string[], more?: Partial<ApplyFlags>): Promise<Said>
  plan(...paths: string[]): Promise<Said>
}

export async function openApplying({ server, tokens }: World): Promise<Applying> {
  const folder = await temporaryFolder()
  const tokenFile = join(folder.path, 'token')
  await writeFile(tokenFile, tokens['admin'] ?? '')
  const flags = { server: server.url, tokenFile }
  const apply: Applying['apply'] = async (paths, more = {}) => {
    const { shell, out, err } = listenedShell()
    const outcome = await applyPaths(paths, { ...flags, ...more }, shell)
    return { outcome, out: out(), err: err() }
  }
  return {
    path: folder.path,
    flags,
    args: ['--server', server.url, '--token-file', tokenFile],
    async write(path, text) {
      const file = join(folder.path, path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
      return file
    },
    apply,
    plan: (...paths) => apply(paths, { dryRun: true }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}
