/** One key as it is stored. Revision 0: never written. A deleted key has a revision and no value. */
export interface Stored {
  readonly key: string
  readonly value: unknown
  readonly revision: number
}

/** What a commit was decided on: that the newest of all keys that match, deleted ones too, is at this revision. */
export interface Hold {
  /** A key, or a filter. */
  readonly filter: string
  /** 0: there is none. */
  readonly revision: number
}

/** One key as it shall be. `value: undefined` deletes it. */
export interface Write {
  readonly key: string
  readonly value: unknown
  /** Refused unless the key is still at this revision; a `Hold` asks that of other keys, and nothing of this one. */
  readonly expected: number | Hold
  /** It is gone after this long. Absent means it stays. */
  readonly ttlSeconds?: number | undefined
}

/** Part of a listing. */
export interface Page {
  readonly entries: readonly Stored[]
  /** Ask on from here; absent when there is no more. */
  readonly next?: number | undefined
  /** The revision of the newest key that was seen, deleted ones too; where to begin when there was none. */
  readonly last: number
}

/** What commands need from storage. All writes of one commit become true together, or none does. */
export interface StateStore {
  get(key: string): Promise<Stored>
  /**
   * Keys that match the filter and have a value, a page at a time, in the order in which they were last changed: one
   * that changes while somebody pages is seen again, and none is missed. A page of large ones has fewer than `limit`.
   */
  page(filter: string, from: { readonly after: number; readonly limit: number }): Promise<Page>
  /** The new revision of each key. Throws RevisionConflict when a key, or what is held, has moved. */
  commit(writes: readonly Write[]): Promise<ReadonlyMap<string, number>>
}
