/** Waiting that somebody may end before its time: one by its name, or all of it for good. */
export class Pauses {
  readonly #ends = new Map<string | symbol, () => void>()
  #areOver = false

  /** Whether nobody is to wait any more. */
  get areOver(): boolean {
    return this.#areOver
  }

  /** Resolves after so long, or when it is ended. */
  wait(ms: number, name: string | symbol = Symbol('pause')): Promise<void> {
    if (this.#areOver) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        if (this.#ends.get(name) === end) this.#ends.delete(name)
        resolve()
      }
      const timer = setTimeout(end, ms)
      this.#ends.set(name, end)
    })
  }

  /** Ends the one of that name, if somebody waits. */
  end(name: string): void {
    this.#ends.get(name)?.()
  }

  endAll(): void {
    this.#areOver = true
    for (const end of [...this.#ends.values()]) end()
  }
}
