import type { NatsConnection } from '@nats-io/transport-node'
import type { EventLog, EventPage, LoggedEvent, LogPosition } from '../admin/event-log.ts'
import type { AuditEvent } from '../admin/transaction.ts'
import { AUDIT_PREFIX, AUDIT_STREAM } from './buckets.ts'
import { readStep, type StepAsked } from './direct-step.ts'
import { Turns } from './turns.ts'

const AUDIT = { stream: AUDIT_STREAM, what: 'audit stream' } as const
/** Pages read at a time, each a step, and how many wait: half of the commands that may be under way. */
const PAGES = { atOnce: 4, waitingMax: 128 } as const

/** The audit stream, read in batches of direct gets: any replica of it answers, and nothing is left behind. */
export class AuditLog implements EventLog {
  readonly #nc: NatsConnection
  readonly #turns = new Turns(PAGES)

  constructor(nc: NatsConnection) {
    this.#nc = nc
  }

  async read(filter: string, { after, since, limit, lengthMax }: LogPosition): Promise<EventPage> {
    using _turn = await this.#turns.take()
    const start = after === 0 && since !== undefined ? new Date(since) : undefined
    const events: LoggedEvent[] = []
    let length = 0
    let position: Pick<StepAsked, 'seq' | 'start_time'> =
      start === undefined ? { seq: after + 1 } : { start_time: start.toISOString() }
    for (;;) {
      const asked = { ...position, batch: limit - events.length, next_by_subj: `${AUDIT_PREFIX}${filter}` }
      const { messages, isMore } = await readStep(this.#nc, AUDIT, asked)
      const [first] = messages
      // A server that has nothing since then begins with the first it has (2.15.2).
      if (start !== undefined && first !== undefined && first.time < start)
        return { events: [], isMore: false }
      for (const message of messages) {
        const event = { sequence: message.seq, ...message.json<AuditEvent>() }
        length += JSON.stringify(event).length
        if (length > lengthMax && events.length > 0) return { events, isMore: true }
        events.push(event)
      }
      const last = messages.at(-1)
      if (last === undefined || !isMore || events.length >= limit) return { events, isMore }
      position = { seq: last.seq + 1 } // A step may end before it is full, when its bytes are too many.
    }
  }
}
