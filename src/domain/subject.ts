import { SubjectTrie } from './subject-trie.ts'

/** The longest subject accepted anywhere, in characters. nats-server's own limit is its control line (4 KiB). */
export const SUBJECT_LENGTH_MAX = 1_024

/** Two literal words of the wire format; everything else in a token is literal. */
const ANY_TOKEN = '*'
const ANY_TAIL = '>'

/**
 * Why a subject (wildcards allowed) is not valid, or `undefined` when it is: non-empty tokens between
 * dots, no white space or control characters, `>` only as the last token. As nats-io/jwt's `Subject.Validate`.
 */
export function subjectFault(subject: string): string | undefined {
  if (subject === '') return 'must not be empty'
  if (subject.length > SUBJECT_LENGTH_MAX) return `must be at most ${SUBJECT_LENGTH_MAX} characters`
  if (/[\s\p{Cc}]/u.test(subject)) return 'must not contain spaces or control characters'
  const tokens = subject.split('.')
  if (tokens.includes('')) return 'must not contain empty tokens'
  if (tokens.indexOf(ANY_TAIL) !== -1 && tokens.indexOf(ANY_TAIL) !== tokens.length - 1) {
    return '">" may only be the last token'
  }
  return undefined
}

/** A subscription permission: a subject, and the queue group it is limited to, if any. */
export interface SubscribeEntry {
  readonly subject: string
  readonly queue?: string
}

/** Reads `subject` or `subject queue`, the form of `sub.allow` in a user JWT. Expects a valid entry. */
export function parseSubscribeEntry(entry: string): SubscribeEntry {
  const space = entry.indexOf(' ')
  return space === -1 ? { subject: entry } : { subject: entry.slice(0, space), queue: entry.slice(space + 1) }
}

/** Why an entry of a subscribe list (`subject` or `subject queue`) is not valid, or `undefined`. */
export function subscribeEntryFault(entry: string): string | undefined {
  const { subject, queue } = parseSubscribeEntry(entry)
  const fault = subjectFault(subject)
  if (fault !== undefined || queue === undefined) return fault
  const queueFault = subjectFault(queue)
  return queueFault === undefined ? undefined : `queue group ${queueFault}`
}

/** Does the pattern cover every subject that the other one matches? A literal is covered by what matches it. */
export function covers(pattern: string, other: string): boolean {
  const wide = pattern.split('.')
  const narrow = other.split('.')
  for (let i = 0; i < wide.length; i += 1) {
    if (wide[i] === ANY_TAIL) return narrow.length > i
    if (i >= narrow.length || narrow[i] === ANY_TAIL) return false
    if (wide[i] !== ANY_TOKEN && wide[i] !== narrow[i]) return false
  }
  return wide.length === narrow.length
}

/** Does an entry of a subscribe list cover another one? One without a queue group covers every group. */
export function entryCovers(entry: string, other: string): boolean {
  const wide = parseSubscribeEntry(entry)
  const narrow = parseSubscribeEntry(other)
  return covers(wide.subject, narrow.subject) && queueCovers(wide.queue, narrow.queue)
}

function queueCovers(wide: string | undefined, narrow: string | undefined): boolean {
  return wide === undefined || (narrow !== undefined && covers(wide, narrow))
}

/** Is there a subject that both match? */
export function overlaps(left: string, right: string): boolean {
  const a = left.split('.')
  const b = right.split('.')
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const [x, y] = [a[i], b[i]]
    if (x === undefined || y === undefined) return false
    if (x === ANY_TAIL || y === ANY_TAIL) return true
    if (x !== y && x !== ANY_TOKEN && y !== ANY_TOKEN) return false
  }
  return true
}

/** The subject that matches exactly what both match, or undefined when nothing is matched by both. */
function intersection(left: string, right: string): string | undefined {
  const a = left.split('.')
  const b = right.split('.')
  const both: string[] = []
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const [x, y] = [a[i], b[i]]
    if (x === undefined || y === undefined) return undefined
    if (x === ANY_TAIL) return [...both, ...b.slice(i)].join('.')
    if (y === ANY_TAIL) return [...both, ...a.slice(i)].join('.')
    if (x !== y && x !== ANY_TOKEN && y !== ANY_TOKEN) return undefined
    both.push(x === ANY_TOKEN ? y : x)
  }
  return both.join('.')
}

/** The same of two entries of a subscribe list: an entry without a queue group allows every group. */
function entryIntersection(left: string, right: string): string | undefined {
  const a = parseSubscribeEntry(left)
  const b = parseSubscribeEntry(right)
  const subject = intersection(a.subject, b.subject)
  if (subject === undefined) return undefined
  if (a.queue === undefined || b.queue === undefined) {
    const queue = a.queue ?? b.queue
    return queue === undefined ? subject : `${subject} ${queue}`
  }
  const queue = intersection(a.queue, b.queue)
  return queue === undefined ? undefined : `${subject} ${queue}`
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
  const trie = new SubjectTrie(queueCovers, max * STEPS_PER_ENTRY)
  for (const [index, entry] of right.entries()) {
    const { subject, queue } = parseSubscribeEntry(entry)
    trie.add(subject.split('.'), { queue, index })
  }
  const common = new Set<string>()
  for (const entry of left) {
    for (const { index } of trie.overlapping(parseSubscribeEntry(entry).subject.split('.'))) {
      const both = entryIntersection(entry, right[index] ?? '')
      if (both !== undefined) common.add(both)
      if (common.size > max) return undefined
    }
    if (trie.isSpent) return undefined
  }
  return minimal(common)
}

/** Tokens that are looked at to shorten one list: twenty thousand entries of five tokens take no more. */
const STEPS_MAX = 131_072

/**
 * The shortest list that means the same: no entry that another one covers, in a stable order. Of lists that take too
 * long to shorten some such entries stay, which says the same.
 */
export function minimal(entries: Iterable<string>): string[] {
  const distinct = [...new Set(entries)].sort()
  const trie = new SubjectTrie(queueCovers, STEPS_MAX)
  const parsed = distinct.map((entry, index) => {
    const { subject, queue } = parseSubscribeEntry(entry)
    return { tokens: subject.split('.'), leaf: { queue, index } }
  })
  for (const { tokens, leaf } of parsed) trie.add(tokens, leaf)
  return distinct.filter((_, index) => {
    const { tokens, leaf } = parsed[index] as (typeof parsed)[number]
    return !trie.isCovered(tokens, leaf)
  })
}
