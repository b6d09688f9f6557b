import { BoundedMap } from './bounded-map.ts'

/** How often something may happen for one key: so many times at once, then once more after every `refillMs`. */
export interface QuotaOptions {
  readonly burst: number
  readonly refillMs: number
  /** Keys that are remembered at a time, at most. Those that were not heard of for longest are forgotten first. */
  readonly keysMax: number
}

interface Allowance {
  left: number
  atMs: number
}

/** Counts down, and up again with time. */
export class Quota {
  readonly #options: QuotaOptions
  readonly #allowances: BoundedMap<Allowance>

  constructor(options: QuotaOptions) {
    this.#options = options
    this.#allowances = new BoundedMap(options.keysMax)
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#allowances.size
  }

  /** Whether the key has any left. A key that took nothing yet is not remembered for being asked about. */
  has(key: string, nowMs: number): boolean {
    const known = this.#allowances.get(key)
    if (known === undefined) return true
    this.#allowances.set(key, known) // It was heard of.
    return this.#grown(known, nowMs).left > 0
  }

  /** Takes so many of the key's, or what it has left of them. Says whether it had any. */
  take(key: string, nowMs: number, count = 1): boolean {
    const known = this.#allowances.get(key) ?? { left: this.#options.burst, atMs: nowMs }
    const allowance = this.#grown(known, nowMs)
    this.#allowances.set(key, allowance)
    if (allowance.left === 0) return false
    allowance.left = Math.max(0, allowance.left - count)
    return true
  }

  #grown(allowance: Allowance, nowMs: number): Allowance {
    const { burst, refillMs } = this.#options
    const grown = Math.max(0, Math.floor((nowMs - allowance.atMs) / refillMs))
    allowance.left = Math.min(burst, allowance.left + grown)
    allowance.atMs += grown * refillMs
    return allowance
  }
}
