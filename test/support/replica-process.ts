import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { PROJECT, type World } from './world.ts'

/** One replica of the service as a process of its own. Leaving the scope kills it. */
export interface ReplicaProcess extends AsyncDisposable {
  readonly pid: number
  /** Every line of its log, as JSON text. */
  readonly log: readonly string[]
  kill(): Promise<void>
}

export interface ReplicaProcessOptions {
  readonly url: string
  /** How many servers hold what JetStream keeps; by default one. */
  readonly copies?: number
}

let built: Promise<unknown> | undefined

/** Resolves when the replica has said that it answers. The first one in a test file builds the program. */
export async function startReplicaProcess(
  { dir }: Pick<World, 'dir'>,
  { url, copies = 1 }: ReplicaProcessOptions,
): Promise<ReplicaProcess> {
  built ??= promisify(execFile)(process.execPath, [join(PROJECT, 'bin', 'gatehouse.mjs'), '--version'])
  await built
  const env = {
    ...process.env,
    REPLICA: JSON.stringify({
      url,
      copies,
      trustFile: dir.file('trust.json'),
      masterKey: Buffer.alloc(32, 7).toString('base64'),
      operatorName: 'gatehouse',
    }),
  }
  const program = join(PROJECT, 'test', 'support', 'replica.mjs')
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const log: string[] = []
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => (line === 'ready' ? resolve() : void log.push(line)))
  })
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  const early = ended.then(() => Promise.reject(new Error(`the replica ended: ${log.join('\n')}`)))
  await Promise.race([ready, early])
  early.catch(() => undefined) // From now on its end is somebody's doing.
  return { pid: child.pid ?? 0, log, kill, [Symbol.asyncDispose]: kill }
}
