import { inboxPrefixOf, responsesOf, SHARED_INBOX } from '../domain/entries.ts'
import { gained } from '../domain/gained.ts'
import type { Grant } from '../domain/grant.ts'
import type { Policy } from '../domain/policy.ts'
import { allowedSubjects } from '../domain/semantic.ts'
import { parseSubscribeEntry } from '../domain/subject-entry.ts'
import { commonEntriesWithin } from '../domain/subject-list.ts'
import type { User } from '../domain/user.ts'
import type { Found, Linted } from './lint.ts'

/** Subjects in common that are looked at. Of lists that have more it is told that they have some. */
const COMMON_MAX = 1_024

/**
 * Policies that give somebody the right to answer who may publish what it hears, by policy. It asks itself, with a
 * reply subject that it likes, and nats-server lets the answer through every deny (reference B.2).
 */
export function selfAnswerFindings({ census, held }: Linted): ReadonlyMap<string, readonly Found[]> {
  const findings = new Map<string, Found>()
  const seen = new Set<object>()
  for (const user of census.users.values()) {
    const holding = held(user)
    if (!holding.ok || seen.has(holding)) continue
    seen.add(holding)
    const own = askedByItself(user, holding.grant)
    if (own === undefined) continue
    for (const policy of holding.parts.policies)
      if (responsesOf(policy).length > 0 && !findings.has(policy.id))
        findings.set(policy.id, findingOf(policy, own))
  }
  return new Map([...findings].map(([id, found]) => [id, [found]]))
}

/** A subject that somebody with the right to answer may publish and hear. What reaches into inboxes, `shared-inbox` tells. */
function askedByItself(user: User, { publish, subscribe, responses }: Grant): string | undefined {
  if (responses === undefined) return undefined
  const heard = subscribe.allow.map((entry) => parseSubscribeEntry(entry).subject)
  const common = commonEntriesWithin(publish.allow, heard, COMMON_MAX)
  if (common === undefined) return heard[0]
  // What is denied in one queue group can be heard outside of it.
  const unheard = subscribe.deny.filter((entry) => parseSubscribeEntry(entry).queue === undefined)
  const deny = [...publish.deny, ...unheard, SHARED_INBOX, `${inboxPrefixOf(user)}.>`]
  return gained({ allow: [], deny: [] }, { allow: common, deny })[0]
}

function findingOf(policy: Policy, own: string): Found {
  const message = `who has this policy may answer, and may publish ${own}, which it hears itself: by answering itself it may publish anywhere, whatever is denied; give asking and answering to different users`
  return { rule: 'self-answer', severity: 'warning', field: fieldOf(policy), message }
}

function fieldOf({ permissions: { responses, allow = [] } }: Policy): string {
  if (responses !== undefined) return 'responses'
  return `allow[${allow.findIndex((each) => allowedSubjects(each).responses !== undefined)}]`
}
