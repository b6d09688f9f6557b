import type { NatsConnection } from '@nats-io/transport-node'
import type { Observer } from './callout/callout.ts'
import type { LiveSessions } from './callout/presence.ts'
import { sessionOf } from './callout/session-of.ts'
import { Thinning } from './callout/thinning.ts'
import type { KvDirectory } from './nats/directory.ts'
import { BusGossip } from './nats/gossip.ts'
import { busKicking } from './nats/kick.ts'
import { SessionLedger } from './nats/session-ledger.ts'
import { Evictor } from './sessions/evictor.ts'
import type { Gossip } from './sessions/gossip.ts'
import type { Evictions } from './sessions/kicking.ts'
import type { PaceOptions } from './sessions/pace.ts'
import { Replicas } from './sessions/replicas.ts'
import { sessionId } from './sessions/session.ts'
import type { Telemetry } from './telemetry.ts'

/** Who is connected, and the replicas that see to them: architecture section 7. */
export interface Living {
  readonly gossip: Gossip
  readonly replicas: Replicas
  readonly ledger: SessionLedger
  readonly evictions: Evictions
  /** Records who is let in. */
  readonly observer: Observer
}

interface LivingParts {
  readonly nc: NatsConnection
  readonly directory: KvDirectory
  readonly liveSessions: LiveSessions
  readonly telemetry: Telemetry
  readonly nextId: () => string
  readonly nowMs: () => number
}

/** Two hundred a second are let in anew by a small machine beside its ordinary work. */
const PACE: PaceOptions = { perSecond: 200, spreadMs: 0 }

/** What it opens is closed by `opened`, last first. */
export async function openLiving(
  { nc, directory, liveSessions, telemetry, nextId, nowMs }: LivingParts,
  opened: AsyncDisposable[],
): Promise<Living> {
  const self = nextId()
  const gossip = new BusGossip(nc, self)
  const replicas = new Replicas({ self, gossip, seen: () => directory.seen, nowMs })
  opened.push(asyncly(replicas))
  directory.onChange(() => replicas.readOn())
  const ledger = await SessionLedger.open(nc, {
    onLost: (error) => telemetry.failed(error, 'recording sessions'),
  })
  opened.push(ledger)
  const evictor = new Evictor({
    kicking: busKicking(nc),
    pace: PACE,
    replicas: () => replicas.live.length,
    isOpen: (session) => ledger.open.get(sessionId(session))?.decision === session.decision,
    nowMs,
    onKicked: (session) => void ledger.end(sessionId(session)),
    onGone: (session) => void ledger.end(sessionId(session)),
    onError: (error) => telemetry.failed(error, 'kicking'),
  })
  opened.push(asyncly(evictor))
  const thinning = new Thinning({
    directory,
    open: ledger.open,
    liveSessions,
    evictions: evictor,
    owns: (user) => replicas.owns(user),
    nowMs,
    onError: (error) => telemetry.failed(error, 'ending surplus sessions'),
  })
  opened.push(asyncly(thinning))
  ledger.onSession((session) => thinning.began(session))
  directory.onChange((key) => thinning.changed(key))
  replicas.onShift(() => thinning.shifted())
  return {
    gossip,
    replicas,
    ledger,
    evictions: evictor,
    observer: {
      admitted: (request, admitted) => ledger.record(sessionOf(request, admitted, nowMs())),
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
