import type { SubjectRules } from './policy.ts'
import { commonEntries, entryCovers, minimal } from './subject.ts'

/**
 * What the second rules allow and the first do not, as subjects: entries that nothing allowed before, and what was
 * denied before and is not any more. What is lost is what is gained on the way back.
 */
export function gained(before: SubjectRules, after: SubjectRules): readonly string[] {
  const isAllowed = covering(before.allow)
  const isDenied = covering(after.deny)
  const allowed = after.allow.filter((entry) => !isDenied(entry))
  const came = allowed.filter((entry) => !isAllowed(entry))
  const lifted = before.deny.filter((deny) => !isDenied(deny))
  const freed = commonEntries(allowed, lifted).filter((entry) => !isDenied(entry))
  return minimal([...came, ...freed])
}

/** Policies share most of their entries before and after: those are found without a search. */
function covering(entries: readonly string[]): (entry: string) => boolean {
  const known = new Set(entries)
  return (entry) => known.has(entry) || entries.some((wide) => entryCovers(wide, entry))
}
