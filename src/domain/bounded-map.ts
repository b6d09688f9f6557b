/**
 * Holds so many at most, and the half of them that was written last at least. Two generations, the older one forgotten
 * as a whole: to take the oldest out of a large Map again and again is slow, and whoever floods it wants just that.
 */
export class BoundedMap<Value> {
  readonly #generationMax: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(max: number) {
    this.#generationMax = Math.max(1, Math.floor(max / 2))
  }

  /** At most so many: what was written in both generations counts twice. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: string): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#generationMax && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  *entries(): Generator<readonly [string, Value]> {
    for (const entry of this.#old) if (!this.#young.has(entry[0])) yield entry
    yield* this.#young
  }
}
