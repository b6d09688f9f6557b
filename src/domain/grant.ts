import { responsesOf } from './entries.ts'
import { subjectsOf } from './grant-subjects.ts'
import { commonLimits, mergeLimits, type MergedLimits } from './limits.ts'
import type { Policy, ResponsePermission, SubjectRules } from './policy.ts'
import { commonEntriesWithin, minimal, minimalOf } from './subject-list.ts'
import type { TemplateFacts } from './template.ts'

/** What the policies of one user come to: architecture section 4. Subjects are final, templates are filled in. */
export interface Grant extends MergedLimits {
  readonly publish: SubjectRules
  readonly subscribe: SubjectRules
  readonly responses?: ResponsePermission | undefined
  /** Which policies, at which version, this was made of. */
  readonly policies: readonly { readonly id: string; readonly version: number }[]
}

export type Compiled =
  | { readonly ok: true; readonly grant: Grant }
  | NoGrant
  | { readonly ok: false; readonly reason: 'grant_too_large' }

export interface NoGrant {
  readonly ok: false
  readonly reason: 'template_value_missing'
  readonly policy: string
  readonly variable: string
}

/**
 * Entries of a list that a boundary caps. Where the lists cross each other there could be a million, and whoever waits
 * to log in would wait for them.
 */
export const CAPPED_ENTRIES_MAX = 4_096

/** What a grant is made of: what gives, and what caps. */
export interface GrantParts {
  readonly policies: readonly Policy[]
  /** The account's boundary: nothing outside what it allows is granted, whatever the policies give. */
  readonly boundary?: Policy | undefined
}

/** Which value is missing, and which policy asks for it. */
export function missingValue({ variable, policy: id }: NoGrant, parts: GrantParts): string {
  const policy = allOf(parts).find((each) => each.id === id)
  return `{{${variable}}} of policy ${policy?.name ?? id}`
}

/** The policies that give, and the one that caps. */
export function allOf({ policies, boundary }: GrantParts): readonly Policy[] {
  return boundary === undefined ? policies : [...policies, boundary]
}

/**
 * Merges policies: allows unite, denies unite, a deny wins, numbers take the strictest, and a boundary caps them
 * all. Pure.
 */
export function compileGrant(
  user: TemplateFacts['user'],
  account: TemplateFacts['account'],
  { policies, boundary }: GrantParts,
): Compiled {
  const given = merge(user, account, policies)
  if (!given.ok || boundary === undefined) return given
  const cap = merge(user, account, [boundary])
  if (!cap.ok) return cap
  const grant = capped(given.grant, cap.grant)
  return grant === undefined ? { ok: false, reason: 'grant_too_large' } : { ok: true, grant }
}

function capped(given: Grant, cap: Grant): Grant | undefined {
  const publish = cappedRules(given.publish, cap.publish)
  if (publish === undefined) return undefined
  const subscribe = cappedRules(given.subscribe, cap.subscribe)
  if (subscribe === undefined) return undefined
  return {
    publish,
    subscribe,
    responses: given.responses && cap.responses && narrowest(given.responses, cap.responses),
    ...commonLimits(given, cap),
    policies: [...given.policies, ...cap.policies],
  }
}

function cappedRules(given: SubjectRules, cap: SubjectRules): SubjectRules | undefined {
  const allow = commonEntriesWithin(given.allow, cap.allow, CAPPED_ENTRIES_MAX)
  return allow && { allow, deny: minimal([...given.deny, ...cap.deny]) }
}

function narrowest(left: ResponsePermission, right: ResponsePermission): ResponsePermission {
  return { max: Math.min(left.max, right.max), ttlMs: Math.min(left.ttlMs, right.ttlMs) }
}

function merge(
  user: TemplateFacts['user'],
  account: TemplateFacts['account'],
  policies: readonly Policy[],
): Extract<Compiled, { ok: true }> | NoGrant {
  const subjects = subjectsOf(policies, { user, account })
  if (!subjects.ok) return { ...subjects, reason: 'template_value_missing' }
  const { publish, subscribe } = subjects.lists
  const publishDeny = minimalOf(publish.deny)
  const responses = widest(policies.flatMap(responsesOf))
  return {
    ok: true,
    grant: {
      publish: { allow: minimalOf(publish.allow), deny: publishDeny },
      subscribe: { allow: minimalOf(subscribe.allow), deny: minimalOf(subscribe.deny) },
      // nats-server lets a reply through every deny (reference B.2); to us a deny of everything is one.
      responses: publishDeny.includes('>') ? undefined : responses,
      ...mergeLimits(policies.map(({ limits }) => limits)),
      policies: policies.map(({ id, version }) => ({ id, version })),
    },
  }
}

/** Permissions unite, so the most generous right to answer holds. */
function widest(responses: readonly ResponsePermission[]): ResponsePermission | undefined {
  if (responses.length === 0) return undefined
  return {
    max: Math.max(...responses.map(({ max }) => max)),
    ttlMs: Math.max(...responses.map(({ ttlMs }) => ttlMs)),
  }
}
