import { entryIntersection, parseSubscribeEntry, queueCovers } from './subject-entry.ts'
import { SubjectTrie } from './subject-trie.ts'
import { matches } from './subject.ts'

/** An entry of a list as it is read once: of a publish list it has no queue group. */
export interface ReadEntry {
  readonly text: string
  readonly tokens: readonly string[]
  readonly queue: string | undefined
  /** May it cover another one? Only what has a wildcard does; and any without a queue group the same in one. */
  readonly isOpen: boolean
}

/** Expects a valid entry. */
export function readEntry(text: string): ReadEntry {
  const { subject, queue } = parseSubscribeEntry(text)
  return { text, tokens: subject.split('.'), queue, isOpen: text.includes('*') || text.includes('>') }
}

/** What both lists allow: every entry of the one as far as the other allows it. */
export function commonEntries(left: readonly string[], right: readonly string[]): string[] {
  return commonEntriesWithin(left, right, Infinity) ?? []
}

/**
 * How many tokens are looked at for each entry that may come out. Whole lists have a tenth of that in common; some
 * lists of many `*` would take minutes to find that it is little, or nothing.
 */
const STEPS_PER_ENTRY = 32

/**
 * The same, or `undefined` as soon as it would have more entries than `max`: of lists that cross each other, as
 * `*.a.>` and `b.*.>` do, it is as long as the one times the other. So it is when it takes too long to tell.
 */
export function commonEntriesWithin(
  left: readonly string[],
  right: readonly string[],
  max: number,
): string[] | undefined {
  const trie = new SubjectTrie(max * STEPS_PER_ENTRY)
  addTo(trie, right)
  const common = new Set<string>()
  for (const entry of left) {
    for (const { index } of trie.overlapping(readEntry(entry).tokens)) {
      const both = entryIntersection(entry, right[index] ?? '')
      if (both !== undefined) common.add(both)
      if (common.size > max) return undefined
    }
    if (trie.isSpent) return undefined
  }
  return minimal(common)
}

/**
 * For a list that is asked often: its entries that cover the one asked for, or `undefined` where it takes too long to
 * tell.
 */
export function coveringAmong(entries: readonly string[]): (entry: string) => readonly string[] | undefined {
  const trie = addTo(new SubjectTrie(STEPS_MAX), entries)
  return (entry) => {
    const { tokens, queue } = readEntry(entry)
    const found: string[] = []
    trie.someCovering(tokens, (leaf) => {
      if (queueCovers(leaf.queue, queue)) found.push(entries[leaf.index] ?? '')
      return false
    })
    return trie.isSpent ? undefined : found
  }
}

/**
 * For a list that is asked often: its entries with a subject that the one asked for has too, or `undefined` where it
 * takes too long to tell: of lists that cross each other all meet all. Whether their queue groups meet is not looked at.
 */
export function overlapsAmong(entries: readonly string[]): (entry: string) => readonly string[] | undefined {
  const trie = addTo(new SubjectTrie(STEPS_MAX), entries)
  return (entry) => {
    const found = trie.overlapping(readEntry(entry).tokens)
    return trie.isSpent ? undefined : found.map(({ index }) => entries[index] ?? '')
  }
}

/** Tokens that are looked at for one list: to shorten twenty thousand entries of five tokens takes no more. */
const STEPS_MAX = 131_072

/**
 * The shortest list that means the same: no entry that another one covers, in a stable order. Of lists that take too
 * long to shorten some such entries stay, which says the same.
 */
export function minimal(entries: Iterable<string>): string[] {
  return minimalOf(Array.from(entries, readEntry))
}

/** The same of entries that have been read. */
export function minimalOf(entries: readonly ReadEntry[]): string[] {
  const distinct = new Map<string, ReadEntry>()
  for (const entry of entries) distinct.set(entry.text, entry)
  const sorted = [...distinct.keys()].sort()
  const trie = new SubjectTrie(STEPS_MAX)
  for (const [index, text] of sorted.entries()) {
    const { isOpen, tokens, queue } = distinct.get(text) as ReadEntry
    if (isOpen) trie.add(tokens, { queue, index })
  }
  return sorted.filter((text, index) => {
    const { tokens, queue } = distinct.get(text) as ReadEntry
    if (queue !== undefined && distinct.has(text.slice(0, -1 - queue.length))) return false
    return !trie.someCovering(tokens, (leaf) => leaf.index !== index && queueCovers(leaf.queue, queue))
  })
}

/** A list that is asked many times. Asked once, a loop is cheaper than reading all of it; from then on it is a walk. */
export class CompiledList {
  readonly #entries: readonly string[]
  #trie: SubjectTrie | undefined
  #isAskedBefore = false

  /** Expects valid entries, and that the list never changes. */
  constructor(entries: readonly string[]) {
    this.#entries = entries
  }

  /**
   * The first entry that matches the subject as it stands, wildcards being tokens like others, and allows its queue
   * group: without one none does that is limited to some.
   */
  matching(subject: string, queue: string | undefined): string | undefined {
    if (this.#isAskedBefore) return this.#walked(subject, queue)
    this.#isAskedBefore = true
    return this.#entries.find((entry) => entryMatches(entry, subject, queue))
  }

  #walked(subject: string, queue: string | undefined): string | undefined {
    this.#trie ??= addTo(new SubjectTrie(), this.#entries)
    let first = Infinity
    this.#trie.someMatching(subject.split('.'), ({ queue: group, index }) => {
      if (index < first && queueCovers(group, queue)) first = index
      return false
    })
    return this.#entries[first]
  }
}

/** Does the entry match the subject as it stands, and allow its queue group? */
export function entryMatches(entry: string, subject: string, queue: string | undefined): boolean {
  const { subject: pattern, queue: group } = parseSubscribeEntry(entry)
  return matches(pattern, subject) && queueCovers(group, queue)
}

function addTo(trie: SubjectTrie, entries: readonly string[]): SubjectTrie {
  for (const [index, entry] of entries.entries()) {
    const { tokens, queue } = readEntry(entry)
    trie.add(tokens, { queue, index })
  }
  return trie
}
