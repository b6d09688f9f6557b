import { LENGTH_MAX } from './listing.ts'

/** Items of each list that are told in one answer. */
const TOLD_MAX = 500

/** What one answer has room for: a reply is one message (1 MiB), and subjects can be a thousand characters long. */
export class Room {
  #left: number
  /** What there was no room for. */
  more = 0

  /** In characters as JSON. */
  constructor(length = LENGTH_MAX) {
    this.#left = length
  }

  /** Sets some of it apart. */
  part(length: number): Room {
    this.#left -= length
    return new Room(length)
  }

  /** The first items of a list, as they are told. */
  take<Item, Told>(items: readonly Item[], tell: (item: Item) => Told): readonly Told[] {
    const told: Told[] = []
    for (const item of items.slice(0, TOLD_MAX)) {
      const one = tell(item)
      const { length } = JSON.stringify(one)
      if (length > this.#left) break
      this.#left -= length + 1
      told.push(one)
    }
    this.more += items.length - told.length
    return told
  }
}
