import { setTimeout as sleep } from 'node:timers/promises'
import { openAuthority } from './authority.ts'
import type { Observer } from './callout/callout.ts'
import { sessionOf } from './callout/session-of.ts'
import { ensureLiveBuckets, type StorageOptions } from './nats/buckets.ts'
import type { ServiceConnection } from './nats/connection.ts'
import type { KvDirectory } from './nats/directory.ts'
import { BusGossip } from './nats/gossip.ts'
import type { EventRecorder } from './nats/event-recorder.ts'
import { followSessions } from './nats/session-events.ts'
import { SessionLedger } from './nats/session-ledger.ts'
import { busSessionServers } from './nats/session-servers.ts'
import type { Consequences } from './sessions/consequences.ts'
import type { Gossip } from './sessions/gossip.ts'
import type { Evictions } from './sessions/kicking.ts'
import type { PaceOptions } from './sessions/pace.ts'
import { Reconciliation } from './sessions/reconciliation.ts'
import { Replicas } from './sessions/replicas.ts'
import { sessionId } from './sessions/session.ts'
import type { Telemetry } from './telemetry.ts'

/** Who is connected, and the replicas that see to them: architecture section 7. */
export interface Living {
  readonly gossip: Gossip
  readonly replicas: Replicas
  readonly ledger: SessionLedger
  readonly evictions: Evictions
  readonly reconciliation: Reconciliation
  readonly consequences: Consequences
  /** Records who is let in. */
  readonly observer: Observer
}

interface LivingParts {
  readonly connection: ServiceConnection
  readonly directory: KvDirectory
  readonly telemetry: Telemetry
  readonly storage: StorageOptions
  /** The A… key. */
  readonly calloutAccount: string
  readonly recorder: EventRecorder
  readonly pace?: PaceOptions | undefined
  readonly nextId: () => string
  readonly nowMs: () => number
}

/** How long after an attempt to read the ledger anew the next one is. */
const RETRY_MS = 1_000

/** What it opens is closed by `opened`, last first. */
export async function openLiving(parts: LivingParts, opened: AsyncDisposable[]): Promise<Living> {
  const { connection, directory, nextId, nowMs } = parts
  const { nc } = connection
  const self = nextId()
  const gossip = new BusGossip(nc, self)
  const replicas = new Replicas({ self, gossip, seen: () => directory.seen, nowMs })
  opened.push(asyncly(replicas))
  directory.onChange(() => replicas.readOn())
  const { ledger, reconciliation } = await openLedger(parts, replicas)
  opened.push(ledger, reconciliation)
  const owned: Disposable[] = []
  const { evictor, consequences } = openAuthority({ ...parts, nc, self, gossip, replicas, ledger }, owned)
  opened.push(...owned.map(asyncly))
  return {
    gossip,
    replicas,
    ledger,
    evictions: evictor,
    reconciliation,
    consequences,
    observer: {
      admitted: (request, admitted) => ledger.record(sessionOf(request, admitted, nowMs())),
      resumed(request, admitted) {
        const session = sessionOf(request, admitted, nowMs())
        const { since } = ledger.open.get(sessionId(session)) ?? session
        ledger.record({ ...session, since, resumed: session.since })
      },
      denied: () => undefined,
      dropped: () => undefined,
    },
  }
}

function asyncly(owner: Disposable): AsyncDisposable {
  return {
    [Symbol.asyncDispose]() {
      owner[Symbol.dispose]()
      return Promise.resolve()
    },
  }
}

/** The ledger, and what keeps it true. */
async function openLedger(parts: LivingParts, replicas: Replicas) {
  const { connection, directory, telemetry, storage, calloutAccount, nowMs } = parts
  const { nc } = connection
  const owns = (key: string): boolean => replicas.owns(key)
  const sessions = await SessionLedger.open(nc, {
    owns,
    keepBucket: () => ensureLiveBuckets(nc, storage),
    nowMs,
    onLost: (error) => telemetry.failed(error, 'recording sessions'),
  })
  const { ledger } = sessions
  const ours = { calloutAccount, isAccount: (id: string) => directory.account(id) !== undefined }
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
