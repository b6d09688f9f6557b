/** How fast connections are ended whose grant has changed, and who may come back at once. */
export interface PaceOptions {
  /** Connections that the whole system ends in a second; each replica its part. */
  readonly perSecond: number
  /** What is ended together is spread over at least this long. Milliseconds; 0: as fast as `perSecond` says. */
  readonly spreadMs: number
}

/** A timer that comes late is made up for within this time. */
const LATE_MS_MAX = 50

/** When the next connection may be ended. Pure: the clock comes in, and a batch is what waits at the same time. */
export class Pace {
  readonly #options: PaceOptions
  #nextMs = 0
  #batch = 0

  constructor(options: PaceOptions) {
    this.#options = options
  }

  /** One more waits. */
  waits(): void {
    this.#batch += 1
  }

  /** Milliseconds until the next may be ended; 0: now. */
  leftMs(nowMs: number): number {
    return Math.max(0, this.#nextMs - nowMs)
  }

  /** One is ended now. `replicas` share the rate; `waiting`: how many are left. */
  ends(nowMs: number, { replicas, waiting }: { readonly replicas: number; readonly waiting: number }): void {
    const atRate = (1_000 * replicas) / this.#options.perSecond
    const spread = waiting === 0 ? 0 : this.#options.spreadMs / this.#batch
    this.#nextMs = Math.max(this.#nextMs, nowMs - LATE_MS_MAX) + Math.max(atRate, spread)
    if (waiting === 0) this.#batch = 0
  }
}
