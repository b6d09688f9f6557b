import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pino, type DestinationStream } from 'pino'
import { apply } from '../admin/apply.ts'
import { readDocuments } from '../admin/documents.ts'
import { refuseAtFirstStart } from '../admin/first-start.ts'
import type { Environment, MasterKeySource, UpConfig } from '../config.ts'
import { GatehouseError } from '../errors.ts'
import { serveHttp } from '../http.ts'
import { createMasterKey, parseMasterKey, readMasterKey } from '../keys/master-key.ts'
import { Vault } from '../keys/vault.ts'
import { awhile, startGatehouse, type Gatehouse } from '../main.ts'
import { openDataDir, type DataDir } from '../nats/data-dir.ts'
import { startEmbeddedServer } from '../nats/embedded-server.ts'
import { findServer } from '../nats/server-binary.ts'
import type { ServerProcess } from '../nats/server-process.ts'
import { TrustChain } from '../nats/trust.ts'
import { createTelemetry } from '../telemetry.ts'
import { changedDocuments } from './changed-documents.ts'
import { declaredTokens } from './declared-tokens.ts'
import { availableAddress, natsAddress } from './listeners.ts'
import { openLogFile } from './log-file.ts'
import { readSources } from './sources.ts'
import type { Outlet, Terminal } from './terminal.ts'
import { publishUpFile, removeUpFile, type UpFile } from './up-file.ts'
import { teller, tellUp } from './up-output.ts'

export interface UpContext {
  readonly config: UpConfig
  readonly env: Environment
  /** Where nats-server.conf and the sample documents are. */
  readonly packageDir: string
  readonly terminal: Terminal
  /** Aborted when it is time to leave. */
  readonly signal: AbortSignal
}

const TRUST_FILE = 'trust.json'
const OPERATOR_NAME = 'gatehouse'

/** Everything on one machine with nothing prepared, until the signal. Leaves no process behind. */
export async function up(context: UpContext): Promise<void> {
  const { config, packageDir, terminal, signal } = context
  const sources = await readSources(config.documents)
  const documents = readDocuments(sources)
  if (!existsSync(join(config.dataDir, TRUST_FILE))) refuseAtFirstStart(documents)
  await using dir = await openDataDir(config.dataDir)
  const vault = openVault(config.masterKey, dir)
  const trust = TrustChain.open(dir.file(TRUST_FILE), vault, {
    operatorName: documents.operators[0]?.content.name ?? OPERATOR_NAME,
    signing: config.signing,
    xkey: config.xkey,
    at: new Date().toISOString(),
  })
  removeUpFile(dir.path)
  const listen = {
    nats: natsAddress(await availableAddress('--listen', config.listen)),
    websocket: natsAddress(await availableAddress('--websocket', config.websocket)),
    mqtt: natsAddress(await availableAddress('--mqtt', config.mqtt)),
  }
  const http = await availableAddress('--http', config.http)
  const binary = await provideServer(context)
  signal.throwIfAborted()

  const serverLogPath = dir.file('nats-server.log')
  using serverLog = openLogFile(serverLogPath, saidOnce(terminal.err, serverLogPath))
  using serviceLog = openServiceLog(context, dir)
  const log = pino({ level: config.logLevel, base: { service: 'gatehouse' } }, serviceLog)
  await using server = await startEmbeddedServer({
    binary,
    configFile: join(packageDir, 'nats-server.conf'),
    dir,
    trust,
    listen,
    log: serverLog.append,
  })
  signal.throwIfAborted()
  const telemetry = createTelemetry(log, teller(terminal, config))
  const parts = { url: server.url, trust, vault, telemetry, log, replicas: 1 }
  const { audit, environment, eventSample, throttle, pace, staleMsMax } = config
  const chosen = { audit, environment, eventSample, throttle, pace, staleMsMax }
  await using gatehouse = await startGatehouse({ ...parts, ...chosen })
  signal.throwIfAborted()
  const actor = { account: trust.chain.admin, user: 'gatehouse up' }
  const changed = changedDocuments(dir, sources)
  if (changed !== undefined) await apply(gatehouse.admin, documents, actor)
  changed?.note()
  signal.throwIfAborted()
  await awhile(gatehouse.accountsPushed())
  const tokens = await declaredTokens(documents, {
    file: dir.file('tokens.json'),
    vault,
    admin: gatehouse.admin,
    actor,
  })
  signal.throwIfAborted()
  await using web = await serveHttp({
    listen: http,
    metrics: telemetry.metrics,
    unready: () => unready(gatehouse),
  })

  signal.throwIfAborted()
  const facts: UpFile = { ...urls(server), http: web.url, pid: process.pid, tokens }
  using _published = publishUpFile(dir.path, facts)
  tellUp(terminal, { config, up: facts, documents })
  await untilTheEnd(server, signal)
}

async function untilTheEnd(server: ServerProcess, signal: AbortSignal): Promise<void> {
  const ended = await Promise.race([server.exited, once(signal, 'abort').then(() => undefined)])
  if (ended === undefined) return
  throw new GatehouseError(
    'server_failed',
    'nats-server ended by itself: see nats-server.log in the data directory',
  )
}

/** The master key, made at the first start where it is a file. Without the key of an existing system nothing is touched. */
function openVault(source: MasterKeySource, dir: DataDir): Vault {
  if (source.kind === 'text') return new Vault(parseMasterKey(source.text))
  if (existsSync(source.path)) return new Vault(readMasterKey(source.path))
  if (existsSync(dir.file(TRUST_FILE))) {
    const message = `the seeds in ${dir.path} are sealed, and their master key ${source.path} is missing: put it back`
    throw new GatehouseError('wrong_master_key', message)
  }
  mkdirSync(dirname(source.path), { recursive: true })
  return new Vault(createMasterKey(source.path))
}

async function provideServer({ env, terminal, signal }: UpContext): Promise<string> {
  const { err } = terminal
  const found = await findServer({
    env,
    signal,
    report: ({ text, percent }) => {
      if (percent === undefined) err.write(`gatehouse: ${text}\n`)
      else if (err.isTTY)
        err.write(`\rgatehouse: ${text} ${Math.floor(percent)} %${percent >= 100 ? '\n' : ''}`)
    },
  })
  return found.path
}

function urls({ url, ports }: ServerProcess): Pick<UpFile, 'url' | 'websocket' | 'mqtt'> {
  const { hostname } = new URL(url)
  return {
    url,
    websocket: `ws://${hostname}:${ports.websocket ?? 0}`,
    mqtt: `mqtt://${hostname}:${ports.mqtt ?? 0}`,
  }
}

/** Can it decide? It is connected, and JetStream answers. */
async function unready({ connection, admin }: Gatehouse): Promise<string | undefined> {
  if (!connection.isConnected) return 'not connected to NATS'
  try {
    await admin.store.get('operator')
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : 'not ready'
  }
}

/** JSON lines: to the log file of the directory, or to standard error for those who asked for JSON. */
function openServiceLog({ config, terminal }: UpContext, dir: DataDir): DestinationStream & Disposable {
  if (config.output === 'json')
    return { write: (line) => terminal.err.write(line), [Symbol.dispose]: () => undefined }
  const path = dir.file('gatehouse.log')
  const say = saidOnce(terminal.err, path)
  const file = openLogFile(path, (error) => {
    say(error)
    throw error // For whoever counts what could not be logged: telemetry does, and goes on.
  })
  return { write: (line) => file.append(line.trimEnd()), [Symbol.dispose]: () => file[Symbol.dispose]() }
}

/** A log that fails fails at every line; a person needs to hear it once. */
function saidOnce(err: Outlet, path: string): (error: unknown) => void {
  let said = false
  return (error) => {
    if (said) return
    said = true
    const why = error instanceof Error ? error.message : String(error)
    err.write(`gatehouse: ${basename(path)} cannot be written, going on without: ${why}\n`)
  }
}
