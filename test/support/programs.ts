import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programOnPath } from '../../src/nats/binary-run.ts'

/** A folder of its own for one test, gone when the scope ends. */
export interface Folder extends AsyncDisposable {
  readonly path: string
}

export async function temporaryFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'gatehouse-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** A PATH that has nothing but what a test puts there, and a cache that has nothing in it. */
export interface Machine extends AsyncDisposable {
  readonly cacheDir: string
  readonly programs: string
  readonly env: { readonly PATH: string; readonly HOME: string }
  /** Puts a shell script on PATH. What it appends to `$LOG` is what `calls` gives. */
  install(name: string, script: string): Promise<string>
  calls(): Promise<string[]>
}

/** `borrowed`: programs of the real machine that shall be there too. */
export async function machineWith(...borrowed: string[]): Promise<Machine> {
  const folder = await temporaryFolder()
  const [programs, cacheDir, log] = ['programs', 'cache', 'log'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ]
  await mkdir(programs)
  for (const name of borrowed) {
    const real = await programOnPath(name, process.env)
    if (real === undefined) throw new Error(`this test needs ${name}`)
    await symlink(real, join(programs, name))
  }
  return {
    cacheDir,
    programs,
    env: { PATH: programs, HOME: folder.path },
    install: (name, script) => writeProgram(join(programs, name), `LOG='${log}'\n${script}`),
    calls: async () =>
      (await readFile(log, 'utf8').catch(() => '')).split('\n').filter((line) => line !== ''),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

export async function writeProgram(file: string, script: string): Promise<string> {
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
  return file
}

/** The script of a program that does nothing but tell its version. */
export function tells(version: string): string {
  return `echo "nats-server: v${version}"`
}

/** The script of a `go` that builds programs of this kind, and notes how it was called. */
export const GO = `echo "$* cgo=$CGO_ENABLED os=$GOOS" >> "$LOG"
printf '#!/bin/sh\\necho nats-server: v%s\\n' "\${3##*@v}" > "$GOBIN/nats-server"
/bin/chmod +x "$GOBIN/nats-server"`

/** A URL at which nobody listens. */
export async function nowhere(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}
