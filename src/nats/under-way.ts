/** What is being answered: counted in all and by caller, and waited for at the end. */
export class UnderWay {
  readonly #promises = new Set<Promise<void>>()
  readonly #callers = new Map<string, number>()
  readonly #perCallerMax: number

  constructor({ perCallerMax }: { readonly perCallerMax: number }) {
    this.#perCallerMax = perCallerMax
  }

  get size(): number {
    return this.#promises.size
  }

  /** Counts it until it ends. Its rejection goes to `onError`: nobody else hears it. */
  keep(answering: Promise<void>, onError: (error: unknown) => void): void {
    const kept = answering.catch(onError).finally(() => this.#promises.delete(kept))
    this.#promises.add(kept)
  }

  /** A place for one more of this caller's, until it is disposed of; `undefined` when it has all it may have. */
  place(caller: string): Disposable | undefined {
    const count = this.#callers.get(caller) ?? 0
    if (count >= this.#perCallerMax) return undefined
    this.#callers.set(caller, count + 1)
    return { [Symbol.dispose]: () => this.#leave(caller) }
  }

  async ended(): Promise<void> {
    await Promise.all(this.#promises)
  }

  #leave(caller: string): void {
    const count = (this.#callers.get(caller) ?? 1) - 1
    if (count === 0) this.#callers.delete(caller)
    else this.#callers.set(caller, count)
  }
}
