/** Holds so many at most: what was written longest ago is forgotten first. */
export class BoundedMap<Value> {
  readonly #max: number
  readonly #entries = new Map<string, Value>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key) // It comes last again.
    const [oldest] = this.#entries.size >= this.#max ? this.#entries.keys() : []
    if (oldest !== undefined) this.#entries.delete(oldest)
    this.#entries.set(key, value)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  /** Oldest first. */
  keys(): Iterable<string> {
    return this.#entries.keys()
  }

  /** Oldest first. */
  values(): Iterable<Value> {
    return this.#entries.values()
  }
}
