import type { SessionId } from './session.ts'

/** What is remembered of connections for a while, oldest first, and no more than so many. */
export class Fading<Value> {
  readonly #max: number
  readonly #entries = new Map<SessionId, { readonly value: Value; readonly atMs: number }>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  has(id: SessionId): boolean {
    return this.#entries.has(id)
  }

  get(id: SessionId): Value | undefined {
    return this.#entries.get(id)?.value
  }

  set(id: SessionId, value: Value, atMs: number): void {
    this.#entries.delete(id)
    const [oldest] = this.#entries.size >= this.#max ? this.#entries.keys() : []
    if (oldest !== undefined) this.#entries.delete(oldest)
    this.#entries.set(id, { value, atMs })
  }

  delete(id: SessionId): boolean {
    return this.#entries.delete(id)
  }

  /** What came before that time. */
  *before(ms: number): Iterable<Value> {
    for (const { value, atMs } of this.#entries.values()) {
      if (atMs > ms) return
      yield value
    }
  }

  /** The same, and forgets it. */
  takeBefore(ms: number): readonly Value[] {
    const taken = [...this.before(ms)]
    const ids = this.#entries.keys()
    for (let n = 0; n < taken.length; n += 1) this.#entries.delete(ids.next().value as SessionId)
    return taken
  }
}
