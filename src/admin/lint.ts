import { holdings, type Census, type Holding } from '../domain/census.ts'
import { allOf } from '../domain/grant.ts'
import type { Policy } from '../domain/policy.ts'
import { OPERATOR_SCOPE } from '../domain/policy.ts'
import type { User } from '../domain/user.ts'
import { DEFAULT_POLICY } from './account.ts'
import { inboxFindings } from './lint-inbox.ts'
import { selfAnswerFindings } from './lint-answers.ts'
import { templateFindings } from './lint-templates.ts'
import { broadFindings, idleFindings, shadowFindings } from './lint-entries.ts'
import { literalFindings, overheardFindings } from './lint-wildcards.ts'
import type { LintRule } from './lint-rules.ts'
import type { Places } from './policy-places.ts'

/** Something about a policy that somebody should look at. */
export interface Finding {
  readonly rule: LintRule
  /** An error is wrong wherever it is; a warning may be wanted. */
  readonly severity: 'error' | 'warning'
  readonly policy: string
  /** The name of the account that the policy belongs to. */
  readonly account?: string | undefined
  /** The field that it is about. Absent: the policy as a whole. */
  readonly field?: string | undefined
  readonly subject?: string | undefined
  /** What is wrong, and what to do. */
  readonly message: string
  /** `file:line:column`, or the policy and its field where there is no file. */
  readonly where: string
}

/** What rules look at. */
export interface Linted {
  readonly census: Census
  /** Who has each policy, by its id: by assignment, role, default or boundary. */
  readonly holders: ReadonlyMap<string, readonly User[]>
  readonly held: (user: User) => Holding
}

/** What a rule finds in a policy. */
export type Found = Pick<Finding, 'rule' | 'severity' | 'message' | 'field' | 'subject'>

/** Every finding, policy by policy, in the order in which they are written. Pure. */
export function lint(census: Census, places: Places): readonly Finding[] {
  const held = holdings(census)
  const linted: Linted = { census, held, holders: holdersOf(census, held) }
  const [inboxes, heard, answers] = [
    inboxFindings(linted),
    overheardFindings(linted),
    selfAnswerFindings(linted),
  ]
  return [...census.policies.values()].flatMap((policy) => {
    const found = [
      ...broadFindings(policy, linted),
      ...shadowFindings(policy),
      ...idleFindings(policy, linted),
      ...unused(policy, linted),
      ...templateFindings(policy, linted),
      ...literalFindings(policy),
      ...(inboxes.get(policy.id) ?? []),
      ...(heard.get(policy.id) ?? []),
      ...(answers.get(policy.id) ?? []),
    ]
    const account = policy.scope === OPERATOR_SCOPE ? undefined : census.accounts.get(policy.scope)?.name
    return found.map((each) => {
      const where =
        places(policy.id, each.field ?? 'name') ??
        `policy ${policy.name}${account === undefined ? '' : ` of ${account}`}${each.field === undefined ? '' : ` ${each.field}`}`
      return { ...each, policy: policy.name, account, where }
    })
  })
}

function holdersOf(census: Census, held: Linted['held']): Linted['holders'] {
  const holders = new Map<string, User[]>()
  for (const user of census.users.values()) {
    const { parts } = held(user)
    for (const { id } of parts === undefined ? [] : allOf(parts)) {
      const known = holders.get(id)
      if (known === undefined) holders.set(id, [user])
      else known.push(user)
    }
  }
  return holders
}

/** Where no accounts are known nobody can say who has what; and no account could be made without `base`. */
function unused(
  { id, name, scope }: Policy,
  { census: { accounts, roles }, holders }: Linted,
): readonly Found[] {
  const isNamed =
    [...accounts.values()].some(({ defaultPolicy, boundaryPolicy }) =>
      [defaultPolicy, boundaryPolicy].includes(id),
    ) || [...roles.values()].some(({ policies }) => policies.includes(id))
  if (accounts.size === 0 || isNamed || holders.has(id)) return []
  if (name === DEFAULT_POLICY && scope === OPERATOR_SCOPE) return []
  const message = 'no user, role or account has it: give it to somebody, or remove it'
  return [{ rule: 'unused-policy', severity: 'warning', message }]
}
