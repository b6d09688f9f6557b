import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Logger } from 'pino'
import { ulid } from 'ulid'
import { clearingOf, jwtsOf } from './account-effects.ts'
import type { Admin } from './admin/execute.ts'
import { found } from './admin/found.ts'
import { answer, type Callout } from './callout/callout.ts'
import { grantOf } from './callout/grant-of.ts'
import { toEach } from './callout/observers.ts'
import { Sessions } from './callout/sessions.ts'
import type { ThrottleOptions } from './callout/throttle.ts'
import { closeAll } from './closing.ts'
import { serveCommands } from './commanding.ts'
import { followState, type Following } from './following.ts'
import { Passwords } from './keys/password.ts'
import type { Vault } from './keys/vault.ts'
import { openLiving, type Living } from './living.ts'
import { foundingContext, keyRing, secrets, trustOf } from './making.ts'
import { accountServers } from './nats/account-servers.ts'
import { serveAuthCallout } from './nats/auth-callout.ts'
import { ensureStreams, type StorageOptions } from './nats/buckets.ts'
import { connectService, type ServiceConnection } from './nats/connection.ts'
import { KvDirectory } from './nats/directory.ts'
import { purgeSourcedEvents } from './nats/event-purge.ts'
import { AuditLog } from './nats/event-log.ts'
import { EventRecorder } from './nats/event-recorder.ts'
import { EventRelay } from './nats/event-relay.ts'
import { sessionRecords } from './nats/session-records.ts'
import { KvStateStore } from './nats/state-store.ts'
import type { TrustChain } from './nats/trust.ts'
import { startUpkeep } from './nats/upkeep.ts'
import type { PaceOptions } from './sessions/pace.ts'
import { sessionId } from './sessions/session.ts'
import type { Telemetry } from './telemetry.ts'
import { lockoutsOf, openThrottling, type Throttling } from './throttling.ts'
import { VERSION } from './version.ts'

/** What one replica of the service is made of. */
export interface GatehouseOptions extends StorageOptions {
  readonly url: string
  readonly trust: TrustChain
  readonly vault: Vault
  readonly telemetry: Telemetry
  readonly log: Logger
  readonly environment?: string | undefined
  /** Of how many sessions, from 0 to 1, comings and goings are events. Absent: of all. */
  readonly eventSample?: number | undefined
  /** How many failures the door takes; what is absent is as `THROTTLE` says. */
  readonly throttle?: Partial<ThrottleOptions> | undefined
  /** How fast connections are ended whose grant has changed; absent: as `PACE` says. */
  readonly pace?: PaceOptions | undefined
  /** How long it decides from memory while the state cannot be asked. Milliseconds; absent: an hour. */
  readonly staleMsMax?: number | undefined
}

/** A replica that answers. Leaving its scope drains it: what is in its hands is answered first. */
export interface Gatehouse extends AsyncDisposable {
  readonly admin: Admin
  readonly directory: KvDirectory
  readonly connection: ServiceConnection
  readonly living: Living
  /** Resolves when every resolver holds every account as it is stored. */
  accountsPushed(): Promise<void>
  /** Resolves when a round of clearing up after deleted accounts is over. */
  cleared(): Promise<void>
}

/** Users, and what leads to them, that a replica remembers. About 1 KiB each. */
const CACHE = { values: 200_000, absences: 50_000 } as const
/** Requests under way; each waits for a fetch or a hash at most. */
const CONCURRENCY_MAX = 2_000
/** One less than libuv's pool, so that hashing never takes all of it. */
const HASHING_MAX = 3
/** About what three can hash while a server waits for its answer. */
const HASHING_QUEUE_MAX = 100

/** Draining asks the server, and one that hangs never answers. */
const DRAIN_MS_MAX = 5_000

/** What a crash left undone, or somebody else changed in the resolvers, is put right within this time. */
const UPKEEP_MS = 60_000

/** What waits for accounts at the resolvers waits this long at most: one that they refuse must not stop the others. */
const PUSH_MS_MAX = 5_000

/** A command that lost a race waits this long at most before it is decided anew. */
const PAUSE_MS_MAX = 250

/** Clock, chance and names, for commands. */
const surroundings = {
  now: () => new Date(),
  nextId: () => ulid(),
  pause: (attempt: number) => sleep(Math.random() * Math.min(2 ** attempt, PAUSE_MS_MAX)),
  breathe: () => setImmediate(),
  version: VERSION,
}

/** Resolves when it is done, or after a while. What is not done then goes on behind, and upkeep sees to it. */
export async function awhile(work: Promise<void>): Promise<void> {
  work.catch(() => undefined) // Heard below while somebody waits, by upkeep after that.
  const over = new AbortController()
  const { signal } = over
  await Promise.race([work, sleep(PUSH_MS_MAX, undefined, { signal }).catch(() => undefined)]).finally(() =>
    over.abort(),
  )
}

/** Connects, founds the system if it is new, and answers. What was opened is closed again when a later part fails. */
export async function startGatehouse(options: GatehouseOptions): Promise<Gatehouse> {
  const opened: AsyncDisposable[] = []
  const onError = (error: unknown): void => options.telemetry.failed(error, 'leaving')
  const leave = (): Promise<void> => closeAll(opened, { waitMsMax: DRAIN_MS_MAX, onError })
  try {
    return { ...(await assemble(options, opened)), [Symbol.asyncDispose]: leave }
  } catch (error) {
    await leave()
    throw error
  }
}

/** The parts, each on those before it. Reads top to bottom. */
async function assemble(
  options: GatehouseOptions,
  opened: AsyncDisposable[],
): Promise<Omit<Gatehouse, typeof Symbol.asyncDispose>> {
  const { trust, vault, telemetry } = options
  const connection = await openConnection(options, opened)
  const { nc } = connection
  await ensureStreams(nc, options)

  const passwords = new Passwords({ concurrencyMax: HASHING_MAX, queueMax: HASHING_QUEUE_MAX })
  const admin: Admin = {
    store: await KvStateStore.open(nc),
    keys: keyRing(vault),
    secrets: secrets(passwords, { vault, trust }),
    trust: { seen: () => operator.seen(), jwt: (of) => operator.jwt(of) },
    grantOf: (actor) => grantOf(actor, directory),
    events: new AuditLog(nc),
    sessions: sessionRecords(nc, () => living.ledger.open),
    evictions: { evict: (...asked) => living.evictions.evict(...asked) },
    lockouts: lockoutsOf(() => throttling),
    lastSeen: (account, user) => living.lastSeen(account, user),
    environment: options.environment,
    jwts: jwtsOf(trust, (account) => following.stored.userSigner(account)),
    servers: accountServers(nc, () => servers),
    ...surroundings,
  }
  const recorder = recorderOf(options, { nc, admin, living: () => living })
  opened.push(recorder)
  await found(admin.store, trust.founding, foundingContext(admin, trust))

  const directory = await KvDirectory.open(nc, CACHE)
  opened.push(directory)
  const following = await followState(options, { nc, directory, nowMs: Date.now })
  const { servers, accounts, operator } = following
  opened.push(accounts)
  const around = { connection, directory, servers, recorder, storage: options }
  const living = await openLiving({ ...options, ...around, nextId: admin.nextId, nowMs: Date.now }, opened)

  const { gossip } = living
  const throttling = await openThrottling({ ...options, nc, recorder, gossip, nowMs: Date.now }, opened)
  const callout = calloutOf(options, { directory, passwords, throttling, following, living, recorder })
  const context = () => foundingContext(admin, trust)
  const clear = clearingOf(options, { admin, nc, ...following, context, nowMs: Date.now })
  const serving = serveAuthCallout(connection, {
    concurrencyMax: CONCURRENCY_MAX,
    answer: (incoming) => answer(callout, incoming),
    onOverload: () => telemetry.overloaded(),
    onError: (error) => telemetry.failed(error, 'callout'),
  })
  const effects = { account: accounts.settled, operator: () => operator.settled(), clear }
  const reaching = { ...living, directory, tickMs: callout.tickMs }
  opened.push(
    serving,
    await serveCommands(connection, { admin, telemetry, recorder, effects, reaching, askers: living.askers }),
  )
  await awhile(accounts.allSettled())
  await awhile(operator.kept())
  await clear().catch((error: unknown) => telemetry.failed(error, 'clearing deleted accounts'))
  opened.push(new EventRelay(nc, { onError: (error) => telemetry.failed(error, 'relay of events') }))

  const upkeep = keepUp(options, { nc, clear, ...following })
  opened.push(upkeep)
  connection.onReconnect(() => void upkeep.now())
  return { admin, directory, connection, living, accountsPushed: accounts.allSettled, cleared: clear }
}

interface Deciding {
  readonly directory: KvDirectory
  readonly passwords: Passwords
  readonly throttling: Throttling
  readonly following: Following
  readonly living: Living
  readonly recorder: EventRecorder
}

/** What decisions rest on. */
function calloutOf({ trust, telemetry }: GatehouseOptions, on: Deciding): Callout {
  const { directory, passwords, throttling, following, living, recorder } = on
  const { ledger } = living
  return {
    directory,
    isInTouch: () => living.touch.isGood(),
    passwords,
    throttle: throttling.throttle,
    signers: following.stored,
    sessions: new Sessions(living.liveSessions, ledger.open),
    kicking: living.kicking,
    openSessions: { at: (connection) => ledger.open.get(sessionId(connection)) },
    xkey: trust.xkey,
    trust: trustOf(following.servers, trust),
    nowMs: Date.now,
    tickMs: () => performance.now(),
    random: Math.random,
    observer: toEach(telemetry, recorder, living.observer),
  }
}

interface Recording {
  readonly nc: NatsConnection
  readonly admin: Admin
  readonly living: () => Living
}

function recorderOf({ telemetry, eventSample }: GatehouseOptions, { nc, admin, living }: Recording) {
  return new EventRecorder(nc, {
    ...admin,
    sample: eventSample,
    continued: (...login) => living().continued(...login),
    onLost: (error) => telemetry.eventLost(error),
  })
}

interface Kept extends Following {
  readonly nc: NatsConnection
  readonly clear: () => Promise<void>
}

/** Every effect is from what is stored to what is true: again and again, so that a crash anywhere is healed. */
function keepUp({ telemetry }: GatehouseOptions, { nc, clear, servers, trusted, accounts, operator }: Kept) {
  return startUpkeep(
    [
      { name: 'counting servers', run: () => servers.refresh() },
      { name: 'asking servers whom they trust', run: () => trusted.refresh() },
      { name: 'pushing accounts', run: () => awhile(accounts.allSettled()) },
      { name: 'keeping the operator', run: () => awhile(operator.kept()) },
      { name: 'clearing deleted accounts', run: clear },
      { name: 'purging sourced events', run: () => purgeSourcedEvents(nc) },
    ],
    { everyMs: UPKEEP_MS, onError: (error, task) => telemetry.failed(error, task) },
  )
}

async function openConnection(
  { url, trust, telemetry }: GatehouseOptions,
  opened: AsyncDisposable[],
): Promise<ServiceConnection> {
  const connection = await connectService(url, trust.serviceUser, {
    connected: (server) => telemetry.serverConnected(server),
    disconnected: () => telemetry.serverDisconnected(),
    failed: (error) => telemetry.failed(error, 'connection'),
  })
  // Closing comes last, for what could not be drained.
  opened.push({ [Symbol.asyncDispose]: () => connection.nc.close() }, connection)
  return connection
}
