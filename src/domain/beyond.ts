import type { Grant } from './grant.ts'
import { limitsBeyond } from './limits.ts'
import type { ResponsePermission, SubjectRules } from './policy.ts'
import { commonEntries, entryCovers } from './subject.ts'

/**
 * What a grant allows that another one does not, in words; `undefined` when it is nowhere wider. In doubt it is
 * wider: an entry that only several of the other cover together counts as one that none covers.
 */
export function beyond(grant: Grant, cap: Grant): string | undefined {
  const publish = rulesBeyond(grant.publish, cap.publish)
  if (publish !== undefined) return `publish ${publish}`
  const subscribe = rulesBeyond(grant.subscribe, cap.subscribe)
  if (subscribe !== undefined) return `subscribe ${subscribe}`
  if (responsesBeyond(grant.responses, cap.responses)) return 'responses'
  return limitsBeyond(grant, cap)
}

/** The first entry that is allowed and not within what the other allows, or is in what the other denies. */
function rulesBeyond(given: SubjectRules, cap: SubjectRules): string | undefined {
  const isDenied = (entry: string): boolean => given.deny.some((deny) => entryCovers(deny, entry))
  const allowed = given.allow.filter((entry) => !isDenied(entry))
  const outside = allowed.find((entry) => !cap.allow.some((allow) => entryCovers(allow, entry)))
  return outside ?? commonEntries(allowed, cap.deny).find((entry) => !isDenied(entry))
}

function responsesBeyond(
  given: ResponsePermission | undefined,
  cap: ResponsePermission | undefined,
): boolean {
  if (given === undefined) return false
  return cap === undefined || given.max > cap.max || given.ttlMs > cap.ttlMs
}
