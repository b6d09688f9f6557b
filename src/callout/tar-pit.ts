/**
 * Refusals that are not answered: the client then waits as long as its server does. Each of them holds on to something
 * there, so that there are so many at most at a time.
 */
export class TarPit {
  readonly #max: number
  /** When the servers stop waiting, in milliseconds since the epoch. */
  #ends: number[] = []

  constructor(max: number) {
    this.#max = max
  }

  /** Takes a place until then, if there is one. */
  take(untilMs: number, nowMs: number): boolean {
    if (this.#ends.length >= this.#max) this.#ends = this.#ends.filter((endMs) => endMs > nowMs)
    if (this.#ends.length >= this.#max) return false
    this.#ends.push(untilMs)
    return true
  }
}
