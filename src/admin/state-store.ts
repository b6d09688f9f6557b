/** One key as it is stored. Revision 0: never written. A deleted key has a revision and no value. */
export interface Stored {
  readonly key: string
  readonly value: unknown
  readonly revision: number
}

/** One key as it shall be. `value: undefined` deletes it. */
export interface Write {
  readonly key: string
  readonly value: unknown
  /** Refused unless the key is still at this revision. */
  readonly expected: number
}

/** What commands need from storage. All writes of one commit become true together, or none does. */
export interface StateStore {
  get(key: string): Promise<Stored>
  /** The new revision of each key. Throws RevisionConflict when a key has moved. */
  commit(writes: readonly Write[]): Promise<ReadonlyMap<string, number>>
}
