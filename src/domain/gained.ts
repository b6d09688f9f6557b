import type { SubjectRules } from './policy.ts'
import { entryDifference, entryIntersection } from './subject-entry.ts'
import { coveringAmong, minimal, overlapsAmong } from './subject-list.ts'

/** Pieces that one entry may be cut into, or found in, before it is told whole. */
const PIECES_MAX = 64

/**
 * What the second rules allow and the first do not, as the fewest entries; denies count. None is missing, and where
 * there are none nothing was gained. An entry may say more than was gained where no subjects say it exactly: of
 * `orders.*`, when `orders.eu` was allowed before, it is `orders.*`. So it may, or say what was not gained at all, in
 * lists that cross each other so often that it takes too long to tell.
 */
export function gained(before: SubjectRules, after: SubjectRules): readonly string[] {
  return minimal(gains(before, after))
}

/** One of them, where there are any: it is found much sooner than all. */
export function someGained(before: SubjectRules, after: SubjectRules): string | undefined {
  for (const gain of gains(before, after)) return gain
  return undefined
}

function* gains(before: SubjectRules, after: SubjectRules): Generator<string> {
  const hadOrDenied = less([...after.deny, ...before.allow])
  const notDenied = less(after.deny)
  const freed = overlapsAmong(before.deny.filter((entry) => notDenied(entry).length > 0))
  for (const entry of after.allow) {
    yield* hadOrDenied(entry)
    for (const common of commonTo(entry, freed(entry))) yield* notDenied(common)
  }
}

/** Asked for an entry, what is left of it without all that these say, in pieces; whole where pieces cannot say it. */
function less(others: readonly string[]): (entry: string) => readonly string[] {
  const said = new Set(others)
  const covering = coveringAmong(others)
  let near: ReturnType<typeof overlapsAmong> | undefined
  return (entry) => {
    if (said.has(entry) || (covering(entry)?.length ?? 0) > 0) return []
    near ??= overlapsAmong(others)
    return without(entry, near(entry) ?? [])
  }
}

function without(entry: string, others: readonly string[]): readonly string[] {
  let left: readonly string[] = [entry]
  for (const other of others) {
    if (left.length === 0 || left.length > PIECES_MAX) return left
    left = left.flatMap((piece) => entryDifference(piece, other) ?? [piece])
  }
  return left
}

/** What an entry has in common with others; all of it where these are many, or too many to find. */
function commonTo(entry: string, others: readonly string[] | undefined): readonly string[] {
  if (others === undefined || others.length > PIECES_MAX) return [entry]
  return others.flatMap((other) => entryIntersection(entry, other) ?? [])
}
