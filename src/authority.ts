import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { reconsider } from './callout/reconsider.ts'
import type { KvDirectory } from './nats/directory.ts'
import type { EventRecorder } from './nats/event-recorder.ts'
import type { SessionLedger } from './nats/session-ledger.ts'
import type { Askers } from './sessions/askers.ts'
import { Consequences } from './sessions/consequences.ts'
import { Evictor } from './sessions/evictor.ts'
import type { Gossip } from './sessions/gossip.ts'
import type { Cause, Kicking } from './sessions/kicking.ts'
import { LiveAuthority } from './sessions/live-authority.ts'
import type { PaceOptions } from './sessions/pace.ts'
import type { Replicas } from './sessions/replicas.ts'
import type { Seen } from './sessions/seen.ts'
import { KICKED } from './sessions/presence.ts'
import { sessionId, type Session } from './sessions/session.ts'
import type { Telemetry } from './telemetry.ts'

/** Two hundred a second are let in anew by a small machine beside its ordinary work. */
export const PACE: PaceOptions = { perSecond: 200, spreadMs: 0 }
/** A replica that has not read a change by then is no reason to leave a session open any longer. */
const DENIED_MS_MAX = 2_000
/** Whose commit it was has been told by then, or nobody will tell. */
const CAUSE_MS = 250

export interface AuthorityParts {
  readonly kicking: Kicking
  readonly directory: KvDirectory
  readonly gossip: Gossip
  readonly askers: Askers
  readonly replicas: Replicas
  readonly ledger: SessionLedger
  readonly recorder: EventRecorder
  readonly telemetry: Telemetry
  readonly self: string
  readonly pace?: PaceOptions | undefined
  readonly nowMs: () => number
}

/** What ends sessions, and what tells of it. */
export interface Authority {
  readonly evictor: Evictor
  readonly consequences: Consequences
  readonly live: LiveAuthority
}

/** A changed mind reaches the connections that are open. What it opens is closed by `opened`. */
export function openAuthority(parts: AuthorityParts, opened: Disposable[]): Authority {
  const { directory, gossip, askers, replicas, ledger, telemetry, self, nowMs } = parts
  const seen = (): Seen => directory.seen
  const tell = (session: Session, cause: Cause): void => told(session, cause)
  const evictor = openEvictor(parts, tell)
  const live = new LiveAuthority({
    sessions: ledger.open,
    owns: (session) => replicas.owns(sessionId(session)),
    judge: (session, changed) => reconsider(session, { directory, nowMs: nowMs(), changed }),
    seen,
    denied: async (wanted) => {
      const waiting = replicas.haveSeen(wanted, DENIED_MS_MAX)
      const reading = directory.upToDate().catch(() => undefined) // What fell here fell in any case.
      const late = sleep(DENIED_MS_MAX, undefined, { ref: false })
      await Promise.all([waiting, Promise.race([reading, late])])
    },
    evictor,
    answered: (session) => askers.answered(session),
    breathe: () => setImmediate(),
    onError: (error) => telemetry.failed(error, 'reconsidering sessions'),
  })
  const consequences = new Consequences({ self, gossip, replicas, changes: live.changes, seen, nowMs })
  const told = telling(parts, consequences)
  opened.push(evictor, live, consequences)
  directory.onChange((key, revision) => {
    live.changed(key, revision)
    consequences.readOn()
  })
  ledger.onSession((session) => live.appeared(session))
  replicas.onShift(() => live.sweep())
  live.sweep()
  return { evictor, consequences, live }
}

function openEvictor(
  { kicking, replicas, ledger, telemetry, pace = PACE, nowMs }: AuthorityParts,
  tell: (session: Session, cause: Cause) => void,
): Evictor {
  return new Evictor({
    kicking,
    pace,
    replicas: () => replicas.live.length,
    isOpen: (session) => ledger.open.get(sessionId(session))?.decision === session.decision,
    nowMs,
    onKicked: (session, cause) => {
      ledger.end(sessionId(session), KICKED)
      tell(session, cause)
    },
    onGone: (session) => void ledger.end(sessionId(session)),
    onError: (error) => telemetry.failed(error, 'kicking'),
  })
}

/** By whose command a session was ended comes on another way than the change itself, and may come a little later. */
function telling({ recorder, telemetry }: AuthorityParts, consequences: Consequences) {
  const tell = (session: Session, cause: Cause): void => {
    const commit = consequences.commitOf(cause.revision ?? 0)
    const whole =
      commit === undefined ? cause : { ...cause, correlationId: commit.correlationId, actor: commit.actor }
    telemetry.kicked(session, whole)
    recorder.kicked({ session, cause: whole })
  }
  return (session: Session, cause: Cause): void => {
    const isKnown = !cause.revision || consequences.commitOf(cause.revision) !== undefined
    if (isKnown) tell(session, cause)
    else setTimeout(() => tell(session, cause), CAUSE_MS)
  }
}
