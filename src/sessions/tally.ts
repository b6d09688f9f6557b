import type { Report } from './kicking.ts'

/** Counts what becomes of the sessions that one change, or one wish, is about. */
export class Tally {
  #affected = 0
  #kicked = 0
  #left = 0
  readonly #onChange: (() => void) | undefined
  readonly #waiting = new Set<() => void>()

  /** Calls whenever it has counted something. */
  constructor(onChange?: () => void) {
    this.#onChange = onChange
  }

  get report(): Report {
    return { affected: this.#affected, kicked: this.#kicked, left: this.#left }
  }

  /** One more has to end. */
  affects(): void {
    this.#affected += 1
    this.#left += 1
    this.#onChange?.()
  }

  /** One has ended. */
  ended(): void {
    this.#kicked += 1
    this.#settle()
  }

  /** One may stay after all: what it was to be ended for is no longer so. */
  spared(): void {
    this.#affected -= 1
    this.#settle()
  }

  /** Resolves when none is left. */
  over(): Promise<void> {
    if (this.#left === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  #settle(): void {
    this.#left -= 1
    this.#onChange?.()
    if (this.#left > 0) return
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
