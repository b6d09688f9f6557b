import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { GatehouseError } from '../errors.ts'
import { notedProcess, processNote } from './process-identity.ts'
import {
  listening,
  portAt,
  readPorts,
  removeStalePorts,
  type Listening,
  type ServerPorts,
} from './server-ports.ts'

export interface ServerOptions {
  readonly binary: string
  /** Must not set `log_file`: the log is read from the pipe. */
  readonly configFile: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly args?: readonly string[]
  /** Where the server writes its ports file. Made if need be. */
  readonly portsDir: string
  /** Called with every line that the server logs. */
  readonly log: (line: string) => void
  /** Notes which process this is, for `stopOrphan`. Removed when the server has been stopped. */
  readonly pidFile?: string
  /** How long JetStream may take to recover its files before the server listens. */
  readonly readyMsMax?: number
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A running nats-server. Leaving its scope stops it: SIGTERM, and SIGKILL after ten seconds. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number
  /** For clients on this machine: `nats://127.0.0.1:4222`, or `tls://…`. */
  readonly url: string
  readonly ports: ServerPorts
  /** Resolves when the server is gone, by our doing or by itself. Never rejects. */
  readonly exited: Promise<Exit>
}

const READY_MS_MAX = 60_000
const STOP_MS_MAX = 10_000
const POLL_MS = 10
const LOG_LINES_KEPT = 20
const LOG_SETTLES_MS_MAX = 2_000

/**
 * Starts a nats-server and waits until it listens.
 *
 * The server writes its ports file (`<program>_<pid>.ports`, JSON) when its listeners are open. On 2.12.7 and 2.15.2
 * that file has `nats`, `monitoring`, `cluster`, `profile` and `websocket`, each a list of URLs, and never MQTT,
 * leafnodes or gateways (`Ports` in nats-server's server.go); the MQTT port is taken from the log line
 * `Listening for MQTT clients on mqtt://127.0.0.1:1883`, which comes before the file is written.
 *
 * @throws GatehouseError `server_failed`, with the server's last words.
 */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  await mkdir(options.portsDir, { recursive: true })
  await removeStalePorts(options.portsDir)
  const child = launch(options)
  const exited = exitOf(child)
  const log = followLog(child, options.log)
  const endWithUs = (): void => void child.kill('SIGTERM')
  process.once('exit', endWithUs)

  const stop = async (): Promise<void> => {
    await end(child, exited)
    process.off('exit', endWithUs)
    if (options.pidFile !== undefined) await rm(options.pidFile, { force: true })
  }
  try {
    const pid = await started(child)
    if (options.pidFile !== undefined) await writeNote(options.pidFile, pid)
    const reached = await ready({ child, pid, log, options })
    return { pid, ...reached, exited, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/**
 * Ends the server that an earlier run noted in this file and, being killed itself, could not stop. Ends nothing but
 * that very process: if its pid means another one by now, that is left alone. Tells whether there was such a server.
 */
export async function stopOrphan({ pidFile }: { readonly pidFile: string }): Promise<boolean> {
  const note = await readFile(pidFile, 'utf8').catch(() => '')
  let pid = await notedProcess(note)
  const found = pid !== undefined
  for (let waitedMs = 0; pid !== undefined; waitedMs += POLL_MS) {
    if (waitedMs === 0) signal(pid, 'SIGTERM')
    if (waitedMs === STOP_MS_MAX) signal(pid, 'SIGKILL')
    if (waitedMs > 2 * STOP_MS_MAX) {
      throw new GatehouseError(
        'server_failed',
        `nats-server of an earlier run (pid ${pid}) cannot be stopped`,
      )
    }
    await sleep(POLL_MS)
    pid = await notedProcess(note)
  }
  await rm(pidFile, { force: true })
  return found
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone already, or not ours to end: whoever asked looks again.
  }
}

function launch({ binary, configFile, portsDir, args = [], env }: ServerOptions): ChildProcess {
  return spawn(binary, ['--config', configFile, '--ports_file_dir', portsDir, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A session of its own: Ctrl-C goes to every process of the terminal's foreground group, and the server must
    // outlast the service, which drains through it. So we end it: by disposal, or when this process exits.
    detached: true,
  })
}

/** Gives the pid, or says why there is no process. */
async function started(child: ChildProcess): Promise<number> {
  if (child.pid !== undefined) return child.pid
  const [error] = (await once(child, 'error')) as [Error]
  throw new GatehouseError('server_failed', `nats-server cannot be started: ${error.message}`, {
    cause: error,
  })
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('exit', (code, name) => resolve({ code, signal: name }))
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: null, signal: null })
    })
  })
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function end(child: ChildProcess, exited: Promise<Exit>): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
  await exited
  clearTimeout(timer)
}

async function writeNote(file: string, pid: number): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const draft = `${file}.${pid}`
  await writeFile(draft, `${await processNote(pid)}\n`)
  await rename(draft, file)
}

interface Log {
  readonly last: readonly string[]
  readonly mqttPort: () => number | undefined
  /** Resolves when the server has said that it is ready, or says no more at all. */
  readonly settled: Promise<void>
}

function followLog(child: ChildProcess, tell: (line: string) => void): Log {
  const last: string[] = []
  let mqttPort: number | undefined
  const settled = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    const read = (line: string): void => {
      last.push(line)
      if (last.length > LOG_LINES_KEPT) last.shift()
      mqttPort ??= portAt(/Listening for MQTT clients on \w+:\/\/.*:(\d+)$/.exec(line)?.[1])
      if (line.endsWith('Server is ready')) resolve()
      tell(line)
    }
    for (const input of [child.stdout, child.stderr]) {
      if (input !== null) createInterface({ input }).on('line', read)
    }
  })
  return { last, mqttPort: () => mqttPort, settled }
}

interface Start {
  readonly child: ChildProcess
  readonly pid: number
  readonly log: Log
  readonly options: ServerOptions
}

async function ready(start: Start): Promise<Listening> {
  const { child, pid, log, options } = start
  const deadline = AbortSignal.timeout(options.readyMsMax ?? READY_MS_MAX)
  while (!hasExited(child) && !deadline.aborted) {
    const listed = await readPorts(options.portsDir, pid)
    if (listed === undefined) {
      await sleep(POLL_MS)
      continue
    }
    // The lines before the ports file may still be in the pipe.
    await Promise.race([log.settled, sleep(LOG_SETTLES_MS_MAX, undefined, { ref: false })])
    const reached = listening(listed, log.mqttPort())
    if (reached !== undefined) return reached
    throw new GatehouseError('server_failed', 'nats-server listens, but not for clients')
  }
  if (hasExited(child)) await log.settled
  throw failure(start)
}

function failure({ child, log, options }: Start): GatehouseError {
  const taken = log.last
    .map((line) => /listen tcp (\S+): bind: /.exec(line)?.[1])
    .find((address) => address !== undefined)
  const inUse = log.last.some((line) => line.includes('address already in use'))
  if (taken !== undefined && inUse) {
    const message = `nats-server cannot listen on ${taken}: another program, perhaps another nats-server, already does`
    return new GatehouseError('server_failed', message)
  }
  const how = hasExited(child)
    ? `ended at once (${child.signalCode ?? `exit code ${child.exitCode ?? 0}`})`
    : `was not ready after ${(options.readyMsMax ?? READY_MS_MAX) / 1000} s`
  const words = log.last.map((line) => `\n  ${line}`).join('')
  return new GatehouseError('server_failed', `nats-server ${how}; its last words:${words || ' none'}`)
}
