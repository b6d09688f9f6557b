/** How often something may happen for one key: so many times at once, then once more after every `refillMs`. */
export interface QuotaOptions {
  readonly burst: number
  readonly refillMs: number
  /** Keys that are remembered at a time. The one that was not heard of for longest is forgotten first. */
  readonly keysMax: number
}

interface Allowance {
  left: number
  atMs: number
}

/** Counts down, and up again with time. */
export class Quota {
  readonly #options: QuotaOptions
  readonly #allowances = new Map<string, Allowance>()

  constructor(options: QuotaOptions) {
    this.#options = options
  }

  /** Whether the key has any left. */
  has(key: string, nowMs: number): boolean {
    return this.#allowance(key, nowMs).left > 0
  }

  /** Takes one of the key's, if it has any left. */
  take(key: string, nowMs: number): boolean {
    const allowance = this.#allowance(key, nowMs)
    if (allowance.left === 0) return false
    allowance.left -= 1
    return true
  }

  #allowance(key: string, nowMs: number): Allowance {
    const { burst, refillMs, keysMax } = this.#options
    const allowance = this.#allowances.get(key) ?? { left: burst, atMs: nowMs }
    this.#allowances.delete(key) // It comes last again: whoever was not heard of for longest is forgotten first.
    const [oldest] = this.#allowances.size >= keysMax ? this.#allowances.keys() : []
    if (oldest !== undefined) this.#allowances.delete(oldest)
    this.#allowances.set(key, allowance)
    const grown = Math.max(0, Math.floor((nowMs - allowance.atMs) / refillMs))
    allowance.left = Math.min(burst, allowance.left + grown)
    allowance.atMs += grown * refillMs
    return allowance
  }
}

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
