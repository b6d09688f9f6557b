import type { Answer } from './admin/execute.ts'
import type { Actor } from './admin/transaction.ts'
import type { KvDirectory } from './nats/directory.ts'
import type { EventRecorder } from './nats/event-recorder.ts'
import type { NotedStore } from './nats/noted-store.ts'
import type { Consequences } from './sessions/consequences.ts'
import type { Report } from './sessions/kicking.ts'
import type { Replicas } from './sessions/replicas.ts'
import type { Seen } from './sessions/seen.ts'

/** What is not over by then is told as it is: at the slowest pace that is sensible, ten thousand sessions take less. */
const OVER_MS_MAX = 900_000

/** A record that somebody's authority rests on. */
const AUTHORITY = /^(?:user|account|policy|role)\./

export interface Reaching {
  readonly directory: Pick<KvDirectory, 'seen' | 'upToDate'>
  readonly replicas: Replicas
  readonly consequences: Consequences
  readonly recorder: Pick<EventRecorder, 'reexamined'>
  readonly tickMs: () => number
}

/** A command that is done, who asked for it, and what it has read and written. */
export interface Done {
  readonly answer: Answer
  readonly actor: Actor
  readonly store: NotedStore
  /** It was sent with an id, and may have been done before. */
  readonly mayRepeat: boolean
}

/** How far it has come by the time of the reply. */
export interface Reached {
  /** Replicas that are there and have not read it yet. */
  readonly behind?: readonly string[]
  /** What it came to for connections that were open. */
  readonly connections?: Report
}

/**
 * Resolves when every replica that is there decides by what the command has done or told, and its connections are
 * ended; or after so long with how far that is. The rest goes on, and is told as an event.
 */
export async function reach(done: Done, by: Reaching, waitMsMax: number): Promise<Reached> {
  const [behind, connections] = await Promise.all([
    readersBehind(done, by, waitMsMax),
    endedSessions(done, by, waitMsMax),
  ])
  return {
    ...(behind.length > 0 && { behind }),
    ...(connections && connections.affected > 0 && { connections }),
  }
}

async function readersBehind(
  { store, mayRepeat }: Done,
  { directory, replicas }: Reaching,
  waitMsMax: number,
): Promise<readonly string[]> {
  let wanted: Seen = store.seen
  if (mayRepeat && store.written === undefined) {
    await directory.upToDate() // It was done by an earlier command, and nobody knows how long ago.
    wanted = directory.seen
  }
  return replicas.haveSeen(wanted, waitMsMax)
}

async function endedSessions(done: Done, by: Reaching, waitMsMax: number): Promise<Report | undefined> {
  const { written } = done.store
  const [event] = done.answer.events
  if (event === undefined || !written?.keys.some((key) => AUTHORITY.test(key))) return undefined
  const { commandId, correlationId } = event.metadata
  const began = by.tickMs()
  const following = by.consequences.follow({
    id: String(event.metadata['id']),
    from: written.from,
    to: written.to,
    seen: done.store.seen,
    correlationId: String(correlationId),
    actor: done.actor,
  })
  const { report, isOver } = await following.within(waitMsMax)
  const tell = (last: Report): void => {
    following[Symbol.dispose]()
    if (last.affected === 0) return
    const [, , audience = ''] = event.subject.split('.')
    const cause = { commandId, correlationId, actor: done.actor }
    by.recorder.reexamined({ audience, report: last, tookMs: by.tickMs() - began, cause })
  }
  if (isOver) tell(report)
  else void following.within(OVER_MS_MAX).then((last) => tell(last.report))
  return report
}
