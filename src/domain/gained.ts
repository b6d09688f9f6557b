import type { SubjectRules } from './policy.ts'
import { entryCovers, entryDifference, entryIntersection } from './subject-entry.ts'
import { minimal, overlapsAmong } from './subject-list.ts'

/** Pieces that one entry may be cut into, or found in, before it is told whole. */
const PIECES_MAX = 64

/**
 * What the second rules allow and the first do not, as the fewest entries; denies count. None is missing, and where
 * there are none nothing was gained. An entry may say more than was gained where no subjects say it exactly: of
 * `orders.*`, when `orders.eu` was allowed before, it is `orders.*`. So it may in lists that cross each other often.
 */
export function gained(before: SubjectRules, after: SubjectRules): readonly string[] {
  const hadOrDenied = overlapsAmong([...after.deny, ...before.allow])
  const denied = overlapsAmong(after.deny)
  const freed = overlapsAmong(before.deny.filter((entry) => without(entry, denied(entry)).length > 0))
  return minimal(
    after.allow.flatMap((entry) => [
      ...without(entry, hadOrDenied(entry)),
      ...commonTo(entry, freed(entry)).flatMap((common) => without(common, denied(common))),
    ]),
  )
}

/** What is left of an entry, in pieces; whole where pieces cannot say it. */
function without(entry: string, others: readonly string[]): readonly string[] {
  if (others.some((other) => entryCovers(other, entry))) return []
  let left: readonly string[] = [entry]
  for (const other of others) {
    if (left.length > PIECES_MAX) return left
    left = left.flatMap((piece) => entryDifference(piece, other) ?? [piece])
  }
  return left
}

/** What an entry has in common with others. */
function commonTo(entry: string, others: readonly string[]): readonly string[] {
  if (others.length > PIECES_MAX) return [entry]
  return others.flatMap((other) => entryIntersection(entry, other) ?? [])
}
