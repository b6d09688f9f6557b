import { BoundedMap } from '../domain/bounded-map.ts'

export interface RecentFailuresOptions {
  /** So many are enough; what was before them is not remembered. */
  readonly enough: number
  readonly windowMs: number
  /** Keys that are remembered at a time, at most. Those that failed longest ago are forgotten first. */
  readonly keysMax: number
}

/** How often something failed within a window that moves with the time. */
export class RecentFailures {
  readonly #options: RecentFailuresOptions
  /** When, in milliseconds since the epoch, oldest first. */
  readonly #times: BoundedMap<readonly number[]>

  constructor(options: RecentFailuresOptions) {
    this.#options = options
    this.#times = new BoundedMap(options.keysMax)
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#times.size
  }

  /** Counts one. Says how many there were if they are enough now, and then begins anew. */
  add(key: string, nowMs: number): number | undefined {
    const { enough, windowMs } = this.#options
    const times = (this.#times.get(key) ?? []).filter((atMs) => nowMs - atMs < windowMs)
    if (times.length + 1 >= enough) {
      this.#times.delete(key)
      return times.length + 1
    }
    this.#times.set(key, [...times, nowMs])
    return undefined
  }

  forget(key: string): void {
    this.#times.delete(key)
  }

  keys(): readonly string[] {
    return [...this.#times.entries()].map(([key]) => key)
  }
}
