import { JetStreamError, jetstreamManager, type JetStreamManager, type StoredMsg } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { EventLog, LoggedEvent, LogPosition } from '../admin/event-log.ts'
import type { AuditEvent } from '../admin/transaction.ts'
import { GatehouseError } from '../errors.ts'
import { AUDIT_PREFIX, AUDIT_STREAM } from './buckets.ts'

/** Status of a direct get that finds nothing more. */
const NOTHING_FOUND = 404

/** The audit stream, read in batches of direct gets: any replica of it answers, and nothing is left behind. */
export class AuditLog implements EventLog {
  readonly #manager: JetStreamManager

  private constructor(manager: JetStreamManager) {
    this.#manager = manager
  }

  static async open(nc: NatsConnection): Promise<AuditLog> {
    return new AuditLog(await jetstreamManager(nc))
  }

  async read(filter: string, { after, since, limit }: LogPosition): Promise<readonly LoggedEvent[]> {
    const start = after === 0 && since !== undefined ? new Date(since) : undefined
    const events: LoggedEvent[] = []
    let position = start === undefined ? { seq: after + 1 } : { start_time: start }
    for (;;) {
      const asked = { ...position, batch: limit - events.length, next_by_subj: `${AUDIT_PREFIX}${filter}` }
      const messages = await this.#batch(asked)
      const [first] = messages
      const last = messages.at(-1)
      // A server that has nothing since then begins with the first it has (2.15.2).
      if (start !== undefined && first !== undefined && first.time < start) return []
      events.push(...messages.map((message) => ({ sequence: message.seq, ...message.json<AuditEvent>() })))
      if (last === undefined || events.length >= limit) return events
      position = { seq: last.seq + 1 } // A batch may end before it is full, when its bytes are too many.
    }
  }

  async #batch(asked: Parameters<JetStreamManager['direct']['getBatch']>[1]): Promise<readonly StoredMsg[]> {
    try {
      const messages: StoredMsg[] = []
      for await (const message of await this.#manager.direct.getBatch(AUDIT_STREAM, asked))
        messages.push(message)
      return messages
    } catch (cause) {
      if (cause instanceof JetStreamError && 'code' in cause && cause.code === NOTHING_FOUND) return []
      throw new GatehouseError('unavailable', 'the audit stream cannot be read: JetStream does not answer', {
        cause,
      })
    }
  }
}
