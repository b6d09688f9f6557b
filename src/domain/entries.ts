import type { Permissions, Policy, ResponsePermission } from './policy.ts'
import { allowedSubjects, deniedSubjects, type Subjects } from './semantic.ts'
import { variablesIn } from './template.ts'

export type Side = 'publish' | 'subscribe'
export type Effect = 'allow' | 'deny'

/** One subject of a policy. */
export interface Entry {
  readonly side: Side
  readonly effect: Effect
  /** As it is written, templates and all; on the side of subscriptions with a queue group, if it has one. */
  readonly subject: string
  /** The field that says it: `publish.allow[0]`, `allow[1]`, `inbox`. */
  readonly field: string
}

/** Everything a policy says, as subjects. */
interface Said {
  readonly entries: readonly Entry[]
  readonly responses: readonly ResponsePermission[]
}

/** Every inbox that a client library makes unless it is told otherwise. */
export const SHARED_INBOX = '_INBOX.>'
/** The inbox that is one user's alone. Clients have to be told its prefix. */
export const OWN_INBOX = '_INBOX_{{user.id}}.>'

/** What a client says as the prefix of its inboxes, so that they are the user's own. */
export function inboxPrefixOf({ id }: { readonly id: string }): string {
  return `_INBOX_${id}`
}

/** Stored records never change, they are replaced: the same object says the same. */
const known = new WeakMap<Permissions, Said>()

/** The subjects of a policy, whichever words they are written in. */
export function entriesOf({ permissions }: Pick<Policy, 'permissions'>): readonly Entry[] {
  return said(permissions).entries
}

/** The rights to answer that a policy gives. */
export function responsesOf({ permissions }: Pick<Policy, 'permissions'>): readonly ResponsePermission[] {
  return said(permissions).responses
}

function said(permissions: Permissions): Said {
  let found = known.get(permissions)
  if (found === undefined) {
    found = read(permissions)
    known.set(permissions, found)
  }
  return found
}

function read({ publish, subscribe, responses, inbox, allow = [], deny = [] }: Permissions): Said {
  const allowed = allow.map(allowedSubjects)
  const entries = [
    ...listed(publish.allow, { side: 'publish', effect: 'allow' }),
    ...listed(publish.deny, { side: 'publish', effect: 'deny' }),
    ...listed(subscribe.allow, { side: 'subscribe', effect: 'allow' }),
    ...listed(subscribe.deny, { side: 'subscribe', effect: 'deny' }),
    ...allowed.flatMap((subjects, i) => [...semantic(subjects, { effect: 'allow', field: `allow[${i}]` })]),
    ...deny.flatMap((each, i) => [
      ...semantic(deniedSubjects(each), { effect: 'deny', field: `deny[${i}]` }),
    ]),
    ...inboxes(inbox),
  ]
  return { entries, responses: [responses, ...allowed.map((each) => each.responses)].flatMap((r) => r ?? []) }
}

function listed(
  subjects: readonly string[],
  { side, effect }: Pick<Entry, 'side' | 'effect'>,
): readonly Entry[] {
  return subjects.map((subject, i) => ({ side, effect, subject, field: `${side}.${effect}[${i}]` }))
}

function semantic(
  { publish, subscribe }: Subjects,
  where: Pick<Entry, 'effect' | 'field'>,
): readonly Entry[] {
  return [
    ...publish.map((subject) => ({ ...where, side: 'publish' as const, subject })),
    ...subscribe.map((subject) => ({ ...where, side: 'subscribe' as const, subject })),
  ]
}

/** A private inbox takes the shared one away, whoever gives it: what others are answered is not overheard. */
function inboxes(inbox: Permissions['inbox']): readonly Entry[] {
  if (inbox === undefined) return []
  const where = { side: 'subscribe', field: 'inbox' } as const
  return [
    { ...where, effect: 'allow', subject: OWN_INBOX },
    { ...where, effect: inbox === 'shared' ? 'allow' : 'deny', subject: SHARED_INBOX },
  ]
}

/** Stored records never change, they are replaced. */
const asked = new WeakMap<Policy, readonly string[]>()

/** The variables that the subjects of a policy ask for. */
export function variablesOf(policy: Policy): readonly string[] {
  let found = asked.get(policy)
  if (found === undefined) {
    found = [...new Set(entriesOf(policy).flatMap(({ subject }) => variablesIn(subject)))]
    asked.set(policy, found)
  }
  return found
}
