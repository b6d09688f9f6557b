import type { NatsConnection } from '@nats-io/transport-node'
import type { Observer } from './callout/callout.ts'
import { sessionOf } from './callout/session-of.ts'
import type { KvDirectory } from './nats/directory.ts'
import { BusGossip } from './nats/gossip.ts'
import { SessionLedger } from './nats/session-ledger.ts'
import type { Gossip } from './sessions/gossip.ts'
import { Replicas } from './sessions/replicas.ts'
import type { Telemetry } from './telemetry.ts'

/** Who is connected, and the replicas that see to them: architecture section 7. */
export interface Living {
  readonly gossip: Gossip
  readonly replicas: Replicas
  readonly ledger: SessionLedger
  /** Records who is let in. */
  readonly observer: Observer
}

interface LivingParts {
  readonly nc: NatsConnection
  readonly directory: KvDirectory
  readonly telemetry: Telemetry
  readonly nextId: () => string
  readonly nowMs: () => number
}

/** What it opens is closed by `opened`, last first. */
export async function openLiving(
  { nc, directory, telemetry, nextId, nowMs }: LivingParts,
  opened: AsyncDisposable[],
): Promise<Living> {
  const self = nextId()
  const gossip = new BusGossip(nc, self)
  const replicas = new Replicas({ self, gossip, seen: () => directory.seen, nowMs })
  opened.push({
    [Symbol.asyncDispose]() {
      replicas[Symbol.dispose]()
      return Promise.resolve()
    },
  })
  directory.onChange(() => replicas.readOn())
  const ledger = await SessionLedger.open(nc, {
    onLost: (error) => telemetry.failed(error, 'recording sessions'),
  })
  opened.push(ledger)
  return {
    gossip,
    replicas,
    ledger,
    observer: {
      admitted: (request, admitted) => ledger.record(sessionOf(request, admitted, nowMs())),
      denied: () => undefined,
      dropped: () => undefined,
    },
  }
}
