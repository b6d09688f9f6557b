import { covers, type Seen } from './seen.ts'

/** Is somebody who reads the same state too far behind? Pure: the clock comes in. */
export class Lag {
  readonly #msMax: number
  #wanted: Seen | undefined
  #sinceMs = 0

  constructor(msMax: number) {
    this.#msMax = msMax
  }

  /** `wanted` is how far others are now. It is behind once it has not come so far in the time that it has for that. */
  isBehind(seen: Seen, wanted: Seen, nowMs: number): boolean {
    if (this.#wanted === undefined || covers(seen, this.#wanted)) {
      this.#wanted = covers(seen, wanted) ? undefined : wanted
      this.#sinceMs = nowMs
    }
    return this.#wanted !== undefined && nowMs - this.#sinceMs > this.#msMax
  }
}
