import type { StoredMsg } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Page, Stored } from '../admin/state-store.ts'
import { readStep, STEP_BYTES } from './direct-step.ts'
import { Turns } from './turns.ts'

/** Pages read at a time, each a step, and how many wait: more than there are commands under way. */
const PAGES = { atOnce: 8, waitingMax: 512 } as const

/** A bucket: the stream behind it, what its subjects begin with, and what it is called when it cannot be read. */
export interface Bucket {
  readonly stream: string
  readonly prefix: string
  readonly what: string
}

/** Reads a bucket page by page, from any replica of it: whoever answers the next page goes on where this one ended. */
export class BucketPages {
  readonly #nc: NatsConnection
  readonly #bucket: Bucket
  readonly #turns = new Turns(PAGES)

  constructor(nc: NatsConnection, bucket: Bucket) {
    this.#nc = nc
    this.#bucket = bucket
  }

  /** Keys that match the filter and have a value. Throws `unavailable`, or `busy` when too many read at once. */
  async page(
    filter: string,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<Page> {
    using _turn = await this.#turns.take()
    const { prefix } = this.#bucket
    const entries: Stored[] = []
    let [next, isMore, bytes] = [after, true, 0]
    while (isMore && entries.length < limit && bytes < STEP_BYTES) {
      const step = await readStep(this.#nc, this.#bucket, {
        seq: next + 1,
        batch: limit - entries.length,
        next_by_subj: `${prefix}${filter}`,
      })
      for (const message of step.messages) {
        next = message.seq
        const stored = storedIn(prefix, message)
        if (stored.value === undefined) continue
        entries.push(stored)
        bytes += message.data.length
      }
      isMore = step.isMore // It may end before it is full, when its bytes are too many.
    }
    return { entries, last: next, ...(isMore && { next }) }
  }
}

/** A message of a bucket as a key with its value. A delete or purge marker leaves the revision. */
export function storedIn(
  prefix: string,
  message: Pick<StoredMsg, 'subject' | 'seq' | 'header' | 'json'>,
): Stored {
  const key = message.subject.slice(prefix.length)
  const isDeleted = message.header.get('KV-Operation') !== ''
  return { key, value: isDeleted ? undefined : message.json(), revision: message.seq }
}
