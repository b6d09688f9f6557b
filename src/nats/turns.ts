import { GatehouseError } from '../errors.ts'

export interface TurnsOptions {
  /** Under way at a time. */
  readonly atOnce: number
  /** How many may wait for their turn; the next is `busy` at once. */
  readonly waitingMax: number
}

/** A line for work of which only so much may be under way. First come, first served. */
export class Turns {
  readonly #options: TurnsOptions
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  /** Resolves when it is one's turn, which lasts until it is disposed of. Throws `busy`. */
  async take(): Promise<Disposable> {
    const { atOnce, waitingMax } = this.#options
    if (this.#running < atOnce) this.#running += 1
    else if (this.#waiting.length >= waitingMax)
      throw new GatehouseError('busy', 'too much is being read at once: try again')
    else await new Promise<void>((resolve) => this.#waiting.push(resolve)) // Whoever is done hands its place on.
    return { [Symbol.dispose]: () => this.#leave() }
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running -= 1
    else next()
  }
}
