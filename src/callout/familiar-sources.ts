import { BoundedMap } from '../domain/bounded-map.ts'
import type { FamiliarSource } from '../domain/lockout.ts'

/** Sources of one user that are familiar, those it came from last. */
export const FAMILIAR_MAX = 8
/** How long a source stays familiar after the last login from there. */
export const FAMILIAR_MS = 7 * 86_400_000
/** Users, and sources, that are remembered at a time. */
const REMEMBERED_MAX = 50_000
/** A source that is familiar is worth a write again after this long. */
const WORTH_MS = 86_400_000

/** Where users log in with their passwords: there they are, whatever others do elsewhere under their names. */
export class FamiliarSources {
  readonly #ofUser = new BoundedMap<readonly FamiliarSource[]>(REMEMBERED_MAX)
  /** When somebody last logged in from there. */
  readonly #sources = new BoundedMap<number>(REMEMBERED_MAX)

  /** A login of the user. Gives what there is to tell where that is worth it: not at each login. */
  add(user: string, source: string, nowMs: number): readonly FamiliarSource[] | undefined {
    const before = this.#ofUser.get(user)?.find((known) => known.source === source)
    const isWorth = before === undefined || nowMs - before.atMs >= WORTH_MS
    this.#sources.set(source, nowMs)
    if (!isWorth) return undefined
    this.merge(user, [{ source, atMs: nowMs }])
    return this.#ofUser.get(user)
  }

  /** What others know. */
  merge(user: string, heard: readonly FamiliarSource[]): void {
    const newest = new Map<string, FamiliarSource>()
    for (const each of [...(this.#ofUser.get(user) ?? []), ...heard]) {
      const { atMs = -Infinity } = newest.get(each.source) ?? {}
      if (each.atMs > atMs) newest.set(each.source, each)
      this.#sources.set(each.source, Math.max(each.atMs, this.#sources.get(each.source) ?? 0))
    }
    const sorted = [...newest.values()].sort((a, b) => b.atMs - a.atMs || (a.source < b.source ? -1 : 1))
    this.#ofUser.set(user, sorted.slice(0, FAMILIAR_MAX))
  }

  has(user: string, source: string, nowMs: number): boolean {
    const known = this.#ofUser.get(user)?.find((each) => each.source === source)
    return known !== undefined && nowMs - known.atMs < FAMILIAR_MS
  }

  /** Is the source familiar to anybody? */
  isSomebodys(source: string, nowMs: number): boolean {
    const atMs = this.#sources.get(source)
    return atMs !== undefined && nowMs - atMs < FAMILIAR_MS
  }
}
