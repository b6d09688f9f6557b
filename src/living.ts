import { setTimeout as sleep } from 'node:timers/promises'
import { openAuthority } from './authority.ts'
import type { Observer } from './callout/callout.ts'
import type { LiveSessions } from './callout/presence.ts'
import { clientOf, sessionOf } from './callout/session-of.ts'
import { Thinning } from './callout/thinning.ts'
import { liveSessions } from './nats/account-servers.ts'
import { ensureLiveBuckets, type StorageOptions } from './nats/buckets.ts'
import type { ServiceConnection } from './nats/connection.ts'
import type { KvDirectory } from './nats/directory.ts'
import { BusGossip } from './nats/gossip.ts'
import type { EventRecorder } from './nats/event-recorder.ts'
import { busKicking } from './nats/kick.ts'
import { followSessions } from './nats/session-events.ts'
import { SessionLedger } from './nats/session-ledger.ts'
import { busSessionServers } from './nats/session-servers.ts'
import { Touch } from './nats/touch.ts'
import type { KnownServers } from './nats/servers.ts'
import type { TrustChain } from './nats/trust.ts'
import type { Consequences } from './sessions/consequences.ts'
import { Askers } from './sessions/askers.ts'
import type { Gossip } from './sessions/gossip.ts'
import type { Evictions, Kicking } from './sessions/kicking.ts'
import { Lately } from './sessions/lately.ts'
import type { PaceOptions } from './sessions/pace.ts'
import { Reconciliation } from './sessions/reconciliation.ts'
import { Replicas } from './sessions/replicas.ts'
import { loginOf, sessionId } from './sessions/session.ts'
import { Activity, later, UNSEEN, whileOpen, type LastSeen } from './sessions/activity.ts'
import { KvActivityShelf } from './nats/activity-shelf.ts'
import type { Telemetry } from './telemetry.ts'

/** Who is connected, and the replicas that see to them: architecture section 7. */
export interface Living {
  readonly askers: Askers
  readonly liveSessions: LiveSessions
  readonly gossip: Gossip
  readonly replicas: Replicas
  readonly ledger: SessionLedger
  readonly kicking: Kicking
  readonly evictions: Evictions
  readonly reconciliation: Reconciliation
  /** The decision of a session that was cut off, and goes on with this one. */
  readonly continued: (...login: Parameters<Observer['admitted']>) => string | undefined
  readonly consequences: Consequences
  /** When a user was last here, and its credentials used: as far as is known. */
  readonly lastSeen: (account: string, user: string) => Promise<LastSeen>
  readonly touch: Touch
  /** Records who is let in. */
  readonly observer: Observer
}

interface LivingParts {
  readonly connection: ServiceConnection
  readonly directory: KvDirectory
  readonly servers: KnownServers
  readonly telemetry: Telemetry
  readonly recorder: EventRecorder
  readonly storage: StorageOptions
  readonly trust: TrustChain
  readonly pace?: PaceOptions | undefined
  readonly staleMsMax?: number | undefined
  readonly nextId: () => string
  readonly nowMs: () => number
}

/** An hour without JetStream is a long one. */
const STALE_MS_MAX = 3_600_000
/** How long after an attempt to read the ledger anew the next one is. */
const RETRY_MS = 1_000

/** What it opens is closed by `opened`, last first. */
export async function openLiving(parts: LivingParts, opened: AsyncDisposable[]): Promise<Living> {
  const { connection, directory, servers, telemetry, nextId, nowMs } = parts
  const { nc } = connection
  const live = liveSessions(nc, servers)
  const self = nextId()
  const gossip = new BusGossip(nc, self)
  const askers = new Askers(gossip)
  const replicas = new Replicas({ self, gossip, seen: () => directory.seen, nowMs })
  opened.push(asyncly(replicas))
  directory.onChange(() => replicas.readOn())
  const { ledger, reconciliation } = await openLedger(parts, replicas)
  opened.push(ledger, reconciliation)
  const touch = touchOf(parts, replicas)
  const kicking = busKicking(nc)
  const owned: Disposable[] = [touch]
  const { evictor, consequences } = openAuthority(
    { ...parts, kicking, self, gossip, askers, replicas, ledger },
    owned,
  )
  const thinning = new Thinning({
    directory,
    open: ledger.open,
    liveSessions: live,
    evictions: evictor,
    owns: (user) => replicas.owns(user),
    nowMs,
    onError: (error) => telemetry.failed(error, 'ending surplus sessions'),
  })
  opened.push(...[...owned, thinning].map(asyncly))
  ledger.onSession((session) => thinning.began(session))
  directory.onChange((key) => thinning.changed(key))
  replicas.onShift(() => thinning.shifted())
  const lately = new Lately()
  ledger.onEnd((session, departure) => lately.ended(session, departure, nowMs()))
  return {
    askers,
    gossip,
    replicas,
    liveSessions: live,
    ledger,
    kicking,
    evictions: evictor,
    reconciliation,
    lastSeen: openActivity(parts, { ledger, replicas }, opened),
    continued(request, { user, credential }) {
      const by = { user: user.id, credential: credential.id, client: clientOf(request) }
      return lately.continued(by, nowMs())
    },
    consequences,
    touch,
    observer: {
      admitted: (request, admitted) => ledger.record(sessionOf(request, admitted, nowMs())),
      resumed(request, admitted) {
        const session = sessionOf(request, admitted, nowMs())
        const known = ledger.open.get(sessionId(session))
        if (known === undefined) ledger.record(session)
        else {
          const { since } = known
          ledger.record({ ...session, since, login: loginOf(known), resumed: session.since })
        }
      },
      denied: () => undefined,
      dropped: () => undefined,
    },
  }
}

function touchOf({ directory, staleMsMax = STALE_MS_MAX, nowMs }: LivingParts, replicas: Replicas): Touch {
  const isBehind = (): boolean => replicas.isBehind
  return new Touch({ upToDate: () => directory.upToDate(), isBehind, staleMsMax, nowMs })
}

function asyncly(owner: Disposable): AsyncDisposable {
  return {
    [Symbol.asyncDispose]() {
      owner[Symbol.dispose]()
      return Promise.resolve()
    },
  }
}

/** Notes when users were here, and tells it. Who is here now is known without a note. */
function openActivity(
  { connection: { nc }, directory, telemetry, nowMs }: LivingParts,
  { ledger, replicas }: Pick<Living, 'ledger' | 'replicas'>,
  opened: AsyncDisposable[],
): Living['lastSeen'] {
  const onError = (error: unknown): void => telemetry.failed(error, 'noting when users were last here')
  const shelf = new KvActivityShelf(nc, { onLost: onError })
  const activity = new Activity({ shelf, owns: (user) => replicas.owns(user), nowMs, onError })
  opened.push(shelf, activity)
  ledger.onSession((session) => activity.began(session))
  ledger.onEnd((session, departure) => activity.ended(session, departure))
  directory.onUserDeleted((account, user) => activity.deleted(account, user))
  return async (account, user) => {
    const now = new Date(nowMs()).toISOString()
    const live = ledger.open.ofUser(user).map((session) => whileOpen(session, now))
    const noted = await activity.of(account, user).catch((error: unknown) => {
      onError(error)
      return UNSEEN
    })
    return [noted, ...live].reduce(later)
  }
}

/** The ledger, and what keeps it true. */
async function openLedger(parts: LivingParts, replicas: Replicas) {
  const { connection, directory, telemetry, recorder, storage, trust, nowMs } = parts
  const { nc } = connection
  const owns = (key: string): boolean => replicas.owns(key)
  const sessions = await SessionLedger.open(nc, {
    owns,
    keepBucket: () => ensureLiveBuckets(nc, storage),
    nowMs,
    onLost: (error) => telemetry.failed(error, 'recording sessions'),
  })
  const { ledger } = sessions
  ledger.onTold((session, departure) => {
    recorder.ended(session, departure)
    telemetry.sessionEnded(session, departure)
  })
  const isAccount = (id: string): boolean => directory.account(id) !== undefined
  const ours = { calloutAccount: trust.chain.callout, isAccount }
  const reconciliation = new Reconciliation({
    ledger,
    servers: busSessionServers(nc, ours),
    userOf: async (account, name) =>
      (await directory.usersNamed(name)).find((user) => user.account === account)?.id,
    owns,
    refresh: () => sessions.followNew(),
    nowMs,
    onError: (error) => telemetry.failed(error, 'asking servers for their connections'),
  })
  followSessions(nc, ours, {
    connected: (arrival) => ledger.connected(arrival),
    disconnected: (which, departure) => ledger.disconnected(which, departure),
    shutDown: (server) => reconciliation.shutDown(server),
  })
  let reading: Promise<void> | undefined
  connection.onReconnect(() => {
    reading ??= readAnew().finally(() => (reading = undefined))
  })
  replicas.onShift(() => void reconciliation.all())
  void reconciliation.all()
  return { ledger: sessions, reconciliation }

  /** After an interruption: what went by meanwhile, then what the servers have. */
  async function readAnew(): Promise<void> {
    while (!nc.isClosed()) {
      try {
        await sessions.follow()
        await reconciliation.all()
        return
      } catch (error) {
        telemetry.failed(error, 'reading the sessions anew')
        await sleep(RETRY_MS, undefined, { ref: false })
      }
    }
  }
}
