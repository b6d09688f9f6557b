import { Quota, type QuotaOptions } from '../domain/quota.ts'

/** What is to be bounded, and what becomes of it. */
export interface Bounded<Item> {
  /** For whom it counts. Each of them must have some left. */
  keysOf(item: Item): readonly string[]
  /** `count`: how many it stands for, this one included. */
  publish(item: Item, count: number): void
  /** The same without whose it is, for when there are too many to tell each; `undefined` if that tells nothing. */
  anonymous(item: Item): Item | undefined
}

export interface BoundsOptions {
  readonly perKey: QuotaOptions
  /** For everybody together; absent means as many as come. */
  readonly overall?: Omit<QuotaOptions, 'keysMax'> | undefined
}

/** Summaries at a time; whoever comes beyond shares one. */
const SUMMARIES_MAX = 25
const OTHERS = 'others'

/**
 * Lets through what is within its bounds, and counts the rest: the last of each key is published later, with how many
 * it stands for. So nobody who makes events can push those of everybody else out of the stream.
 */
export class EventBounds<Item> {
  readonly #bounded: Bounded<Item>
  readonly #perKey: Quota
  readonly #overall: Quota | undefined
  readonly #withheld = new Map<string, { item: Item; count: number }>()

  constructor(bounded: Bounded<Item>, { perKey, overall }: BoundsOptions) {
    this.#bounded = bounded
    this.#perKey = new Quota(perKey)
    this.#overall = overall && new Quota({ ...overall, keysMax: 1 })
  }

  offer(item: Item, nowMs: number): void {
    const keys = this.#bounded.keysOf(item)
    const spent = keys.find((key) => !this.#perKey.has(key, nowMs))
    if (spent !== undefined || this.#overall?.take('', nowMs) === false) {
      this.#withhold(spent ?? keys[0] ?? '', item)
      return
    }
    for (const key of keys) this.#perKey.take(key, nowMs)
    this.#bounded.publish(item, 1)
  }

  /** Publishes the summaries. To be called every so often. */
  release(): void {
    const summaries = [...this.#withheld.values()]
    this.#withheld.clear()
    for (const { item, count } of summaries) this.#bounded.publish(item, count)
  }

  #withhold(key: string, item: Item): void {
    const isShared = !this.#withheld.has(key) && this.#withheld.size >= SUMMARIES_MAX
    const told = isShared ? this.#bounded.anonymous(item) : item
    if (told === undefined) return
    const under = isShared ? OTHERS : key
    this.#withheld.set(under, { item: told, count: (this.#withheld.get(under)?.count ?? 0) + 1 })
  }
}
