import type { SubjectRules } from './policy.ts'
import { minimal, readEntry, type ReadEntry } from './subject-list.ts'
import { SubjectTrie } from './subject-trie.ts'
import { difference } from './subject.ts'

/** Tokens that are looked at to find which of a list meet each other, before less exact answers do. */
const STEPS_MAX = 131_072

/** The right to subscribe as nats-server has to be told it, so that it allows what the rules say. */
export function wornSubscriptions({ allow, deny }: SubjectRules): SubjectRules {
  return { allow: withEveryQueue(allow), deny: withClosedEnds(allow, deny) }
}

/**
 * Where an entry with a queue group matches, nats-server forgets those without, so that being given a queue would
 * take the others away. `subject >`, in any queue, says again what the entry without one already gives.
 */
function withEveryQueue(allow: readonly string[]): readonly string[] {
  const entries = allow.map(readEntry)
  const queued = entries.filter(({ queue }) => queue !== undefined)
  if (queued.length === 0) return allow
  const meeting = overlapsIn(queued)
  const everywhere = trieOf(queued.filter(({ queue }) => queue === '>'))
  const again = entries
    .filter(({ queue, tokens }) => queue === undefined && (meeting(tokens)?.length ?? 1) > 0)
    .filter(({ tokens }) => !everywhere.someCovering(tokens, () => true))
    .map(({ text }) => `${text} >`)
  return [...allow, ...again]
}

/**
 * To nats-server the `>` of `SUB orders.>` is a token that `orders.*` matches, and then it delivers everything under
 * `orders`. What is denied it filters out of what it delivers, so all that is longer is denied, unless it is allowed.
 */
function withClosedEnds(allow: readonly string[], deny: readonly string[]): readonly string[] {
  const entries = allow.map(readEntry)
  const open = entries.filter(({ tokens }) => tokens.at(-1) === '*')
  if (open.length === 0) return deny
  const meeting = overlapsIn(entries)
  const ends = open.flatMap(({ tokens }) => {
    const others = meeting([...tokens, '>'])
    return others?.reduce((left, other) => shut(left, { tokens, other }), [[...tokens, '>'].join('.')]) ?? []
  })
  return minimal([...deny, ...ends])
}

/** What is left of the ends when nothing is denied that has the length of what another entry allows there. */
function shut(
  ends: readonly string[],
  { tokens, other }: { readonly tokens: readonly string[]; readonly other: ReadEntry },
): string[] {
  const longer = other.tokens.slice(tokens.length).map((token) => (token === '>' ? '>' : '*'))
  const allowed = [...tokens, ...(longer.length === 0 ? ['>'] : longer)].join('.')
  return ends.flatMap((end) => difference(end, allowed) ?? [])
}

/** Those of the entries that have a subject in common with the one asked for; `undefined` when it takes too long. */
function overlapsIn(
  entries: readonly ReadEntry[],
): (tokens: readonly string[]) => readonly ReadEntry[] | undefined {
  const trie = trieOf(entries)
  return (tokens) => {
    const found = trie.overlapping(tokens)
    return trie.isSpent ? undefined : found.map(({ index }) => entries[index] as ReadEntry)
  }
}

function trieOf(entries: readonly ReadEntry[]): SubjectTrie {
  const trie = new SubjectTrie(STEPS_MAX)
  for (const [index, { tokens, queue }] of entries.entries()) trie.add(tokens, { queue, index })
  return trie
}

/** Together, in a grant, in characters. In base64 in a JWT in a JWT it must still fit a message of 1 MiB. */
export const SUBJECTS_LENGTH_MAX = 256 * 1_024

/** What a grant looks like in a JWT; undefined when it is too much for one. */
export function worn({ publish, subscribe }: Worn): Worn | undefined {
  const wears = { publish, subscribe: wornSubscriptions(subscribe) }
  const lists = Object.values<SubjectRules>(wears).flatMap(({ allow, deny }) => [...allow, ...deny])
  const length = lists.reduce((sum, entry) => sum + entry.length, 0)
  return length > SUBJECTS_LENGTH_MAX ? undefined : wears
}

interface Worn {
  readonly publish: SubjectRules
  readonly subscribe: SubjectRules
}
