import type { Page, StateStore, Stored, Write } from '../admin/state-store.ts'
import { NOTHING_SEEN, type Seen } from '../sessions/seen.ts'
import { followedBy } from './directory.ts'

/** What a command has written: the keys that are followed, and the revisions of all of them. */
export interface Written {
  readonly keys: readonly string[]
  readonly from: number
  readonly to: number
}

/** The store as one command uses it, which notes what it has read and written. */
export class NotedStore implements StateStore {
  readonly #store: StateStore
  readonly #onCommit: () => void
  #seen: Seen = NOTHING_SEEN
  #written: Written | undefined

  /** Calls before anything is written. */
  constructor(store: StateStore, onCommit: () => void) {
    this.#store = store
    this.#onCommit = onCommit
  }

  /** How far whoever knows all that this command has read or written has read. */
  get seen(): Seen {
    return this.#seen
  }

  /** What its last commit wrote, if it wrote anything. */
  get written(): Written | undefined {
    return this.#written
  }

  async get(key: string): Promise<Stored> {
    const stored = await this.#store.get(key)
    this.#note(key, stored.revision)
    return stored
  }

  page(filter: string, from: { readonly after: number; readonly limit: number }): Promise<Page> {
    return this.#store.page(filter, from)
  }

  async commit(writes: readonly Write[]): Promise<ReadonlyMap<string, number>> {
    this.#onCommit()
    const revisions = await this.#store.commit(writes)
    for (const [key, revision] of revisions) this.#note(key, revision)
    const all = [...revisions.values()]
    const keys = [...revisions.keys()].filter((key) => followedBy(key) !== undefined)
    this.#written = { keys, from: Math.min(...all), to: Math.max(...all) }
    return revisions
  }

  #note(key: string, revision: number): void {
    const followed = followedBy(key)
    if (followed !== undefined)
      this.#seen = { ...this.#seen, [followed]: Math.max(this.#seen[followed], revision) }
  }
}
