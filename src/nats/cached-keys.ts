import type { JetStreamManager } from '@nats-io/jetstream'
import { LRUCache } from 'lru-cache'
import type { Soon } from '../callout/directory.ts'
import { GatehouseError } from '../errors.ts'
import { STATE_PREFIX, STATE_STREAM } from './buckets.ts'
import { storedFrom } from './state-store.ts'

/** How many values, and how many absences, are remembered. What was asked for last stays. */
export interface CacheSizes {
  readonly values: number
  /** Guessed tokens lead nowhere; remembering that must not push out what leads somewhere. */
  readonly absences: number
}

const REREADS_MAX = 3
/** Fetches under way. While JetStream does not answer, those who have to be fetched do not hold up those who are known. */
const FETCHES_MAX = 500
const NOTHING: ReadonlyMap<string, unknown> = new Map()

/**
 * Keys of the bucket, fetched on first use and remembered until the watch says they changed. Values are the same
 * object until then, so what is computed from one can be kept with it. A fetch is one direct get, which any replica
 * of the stream may answer: one that lags behind what the watch has told is asked again.
 */
export class CachedKeys {
  readonly #manager: JetStreamManager
  readonly #values: LRUCache<string, object>
  readonly #absences: LRUCache<string, true>
  /** The newest revision the watch told of, for keys that changed not long ago. */
  readonly #told: LRUCache<string, number>
  readonly #fetching = new Map<string, Promise<unknown>>()

  constructor(manager: JetStreamManager, sizes: CacheSizes) {
    this.#manager = manager
    this.#values = new LRUCache({ max: sizes.values })
    this.#absences = new LRUCache({ max: sizes.absences })
    this.#told = new LRUCache({ max: sizes.values })
  }

  /** At once when it is remembered. A fetch that fails throws `unavailable`. */
  get(key: string): Soon<unknown> {
    return (
      this.#values.get(key) ?? (this.#absences.has(key) ? undefined : this.#once(key, () => this.#fetch(key)))
    )
  }

  /** Every value that a filter finds, by key. */
  find(filter: string): Soon<ReadonlyMap<string, unknown>> {
    const known = this.#values.get(filter) as ReadonlyMap<string, unknown> | undefined
    if (this.#absences.has(filter)) return NOTHING
    return known ?? (this.#once(filter, () => this.#findAll(filter)) as Promise<ReadonlyMap<string, unknown>>)
  }

  /** The watch told of a change: what is remembered of the key, and of the filters that find it, is over. */
  forget(key: string, revision: number): void {
    for (const name of [key, filterOf(key)]) {
      this.#told.set(name, revision)
      this.#values.delete(name)
      this.#absences.delete(name)
      this.#fetching.delete(name) // Whoever asks from now on asks anew.
    }
  }

  #once(name: string, fetch: () => Promise<unknown>): Promise<unknown> {
    const under = this.#fetching.get(name)
    if (under !== undefined) return under
    if (this.#fetching.size >= FETCHES_MAX) return Promise.reject(unavailable('too many fetches under way'))
    const fetching = fetch().finally(() => {
      if (this.#fetching.get(name) === fetching) this.#fetching.delete(name)
    })
    this.#fetching.set(name, fetching)
    return fetching
  }

  async #fetch(key: string): Promise<unknown> {
    const subject = `${STATE_PREFIX}${key}`
    for (let n = 1; ; n += 1) {
      const message = await reading(this.#manager.direct.getMessage(STATE_STREAM, { last_by_subj: subject }))
      const { value, revision } = message === null ? { value: undefined, revision: 0 } : storedFrom(message)
      if (revision >= (this.#told.get(key) ?? 0)) {
        if (value === undefined) this.#absences.set(key, true)
        else this.#values.set(key, value as object)
        return value
      }
      if (n === REREADS_MAX) throw lagging()
    }
  }

  async #findAll(filter: string): Promise<ReadonlyMap<string, unknown>> {
    for (let n = 1; ; n += 1) {
      const { found, newest } = await reading(this.#read(filter))
      if (newest >= (this.#told.get(filter) ?? 0)) {
        if (found.size === 0) this.#absences.set(filter, true)
        else this.#values.set(filter, found)
        return found
      }
      if (n === REREADS_MAX) throw lagging()
    }
  }

  async #read(
    filter: string,
  ): Promise<{ readonly found: ReadonlyMap<string, unknown>; readonly newest: number }> {
    const found = new Map<string, unknown>()
    let newest = 0
    const subjects = { multi_last: [`${STATE_PREFIX}${filter}`] }
    for await (const message of await this.#manager.direct.getLastMessagesFor(STATE_STREAM, subjects)) {
      const { key, value, revision } = storedFrom(message)
      newest = Math.max(newest, revision)
      if (value !== undefined) found.set(key, value)
    }
    return { found, newest }
  }
}

/** The one kind of filter in use: every account's entry of a login name. */
function filterOf(key: string): string {
  return key.replace(/[^.]+$/, '*')
}

async function reading<Result>(answer: Promise<Result>): Promise<Result> {
  try {
    return await answer
  } catch (cause) {
    throw unavailable('JetStream does not answer', cause)
  }
}

function lagging(): GatehouseError {
  return unavailable('a replica lags behind')
}

function unavailable(why: string, cause?: unknown): GatehouseError {
  return new GatehouseError('unavailable', `the state cannot be read: ${why}`, { cause })
}
