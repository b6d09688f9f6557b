import { OPERATOR_SCOPE } from '../domain/policy.ts'
import { DEFAULT_POLICY } from './account.ts'
import type { Documents } from './documents.ts'
import type { PlanOptions } from './plan.ts'
import type { AccountRecord, PolicyRecord, RoleRecord, Snapshot, UserRecord } from './snapshot.ts'
import { RoleGraph } from './role-graph.ts'
import { accountTarget, ownedTarget, userTarget, type Step } from './steps.ts'
import type { Written } from './written.ts'

/** Who prunes: nobody saws off the branch that it sits on. */
export interface Pruning {
  readonly self: { readonly account: string; readonly user: string }
}

/** Something that no document declares and that stays all the same, and why. */
export interface Kept {
  readonly target: string
  readonly why: string
}

export interface Removal {
  readonly steps: readonly Step[]
  readonly kept: readonly Kept[]
}

/**
 * The removal of what no document declares, for a state that is as declared otherwise, in an order in which nothing is
 * in use when it goes. SYS, AUTH and ADMIN stay, and so does whoever prunes, with what it has.
 */
export function prune(snapshot: Snapshot, documents: Documents, options: Pruning & PlanOptions): Removal {
  const survey = surveyOf(snapshot, documents, options)
  const { leaving } = survey
  const roles = parted(survey, { kind: 'role', items: outerFirst(snapshot), used: survey.usedRoles })
  const policies = parted(survey, { kind: 'policy', items: snapshot.policies, used: survey.usedPolicies })
  const users = survey.goingUsers.map(([account, { name, revision }]) =>
    removal('user.delete', { target: userTarget(account, name), which: { account, user: name }, revision }),
  )
  const accounts = leaving.map(({ name, revision }) =>
    removal('account.delete', { target: accountTarget(name), which: { account: name }, revision }),
  )
  return {
    steps: [
      ...users,
      ...leaving.flatMap((account) => releases(account, options)),
      ...roles.owned,
      ...roles.shared,
      ...policies.owned,
      ...accounts,
      ...policies.shared,
    ],
    kept: [...survey.kept, ...roles.kept, ...policies.kept],
  }
}

/** What an account names that has to go before it does. */
function releases({ name, revision, ...account }: AccountRecord, { offers }: PlanOptions): readonly Step[] {
  const { defaultPolicy, boundaryPolicy, imports = [] } = account
  const facts = { target: accountTarget(name), revision }
  const which = { account: name }
  return [
    ...(defaultPolicy === undefined ? [] : [removal('account.set-default-policy', { ...facts, which })]),
    ...(boundaryPolicy === undefined ? [] : [removal('account.set-boundary-policy', { ...facts, which })]),
    ...(imports.length === 0 || !offers('account.update-imports')
      ? []
      : [removal('account.update-imports', { ...facts, which: { ...which, imports: [] } })]),
  ]
}

function removal(
  name: string,
  {
    target,
    which,
    revision,
  }: { readonly target: string; readonly which: Written; readonly revision: number },
): Step {
  return { name, payload: which, target, change: 'remove', fields: [], revision }
}

interface Parted {
  readonly owned: readonly Step[]
  readonly shared: readonly Step[]
  readonly kept: readonly Kept[]
}

interface Parting {
  readonly kind: 'role' | 'policy'
  readonly items: readonly (RoleRecord | PolicyRecord)[]
  readonly used: ReadonlySet<string>
}

/** A role goes before those that are within it. */
function outerFirst(snapshot: Snapshot): readonly RoleRecord[] {
  const names = new Map(snapshot.accounts.map(({ id, name }) => [id, name]))
  const named = snapshot.roles.map((role) => ({ ...role, account: names.get(role.scope) }))
  return [...new RoleGraph(snapshot, []).innerFirst(named.reverse())].reverse()
}

/** What goes, by whose it is, and what stays because somebody who stays has it. */
function parted(survey: Survey, { kind, items, used }: Parting): Parted {
  const owned: Step[] = []
  const shared: Step[] = []
  const kept: Kept[] = []
  for (const { id, name, scope, revision } of items) {
    const owner = survey.owners.get(scope)
    if (owner === undefined || survey.declared[kind].has(`${scope} ${name}`)) continue
    const account = scope === OPERATOR_SCOPE ? undefined : owner
    const target = ownedTarget(kind, { name, account })
    const which = { [kind]: name, ...(account === undefined ? {} : { account }) }
    if (used.has(id)) kept.push({ target, why: 'it is in use by what stays' })
    else if (account === undefined) shared.push(removal(`${kind}.delete`, { target, which, revision }))
    else owned.push(removal(`${kind}.delete`, { target, which, revision }))
  }
  return { owned, shared, kept }
}

/** Who goes and who stays, and what those who stay have. */
interface Survey {
  readonly leaving: readonly AccountRecord[]
  readonly goingUsers: readonly (readonly [account: string, user: UserRecord])[]
  /** Names of accounts by the scope of what they own, as far as that may be pruned. */
  readonly owners: ReadonlyMap<string, string>
  /** `<scope> <name>` of everything declared. */
  readonly declared: Readonly<Record<'role' | 'policy', ReadonlySet<string>>>
  readonly usedRoles: ReadonlySet<string>
  readonly usedPolicies: ReadonlySet<string>
  readonly kept: readonly Kept[]
}

function surveyOf(snapshot: Snapshot, documents: Documents, options: Pruning & PlanOptions): Survey {
  const { self } = options
  const declaredAccounts = new Map(documents.accounts.map(({ content }) => [content.name, content]))
  const { leaving, kept } = leavers(snapshot, documents, options)
  const leavingNames = new Set(leaving.map(({ name }) => name))
  const goingUsers: (readonly [string, UserRecord])[] = []
  const uses = new Uses(snapshot)
  for (const { name, defaultPolicy, boundaryPolicy } of snapshot.accounts) {
    const document = declaredAccounts.get(name)
    const names = new Map(document?.users.map((user) => [user.name, user]))
    for (const user of snapshot.users.get(name) ?? []) {
      const isSelf = name === self.account && user.name === self.user
      const isGoing = !names.has(user.name) && !isSelf && (document !== undefined || leavingNames.has(name))
      if (isGoing) goingUsers.push([name, user])
      else uses.byUser(name, names.get(user.name) ?? user)
      if (isSelf && document !== undefined && !names.has(user.name))
        kept.push({ target: userTarget(name, user.name), why: 'it is who prunes' })
    }
    if (leavingNames.has(name)) continue
    const stays = document ?? { defaultPolicy: defaultPolicy ?? null, boundaryPolicy }
    uses.policy(name, stays.defaultPolicy === undefined ? DEFAULT_POLICY : (stays.defaultPolicy ?? undefined))
    uses.policy(name, stays.boundaryPolicy)
  }
  for (const [account, { users }] of declaredAccounts) for (const user of users) uses.byUser(account, user)
  for (const { content } of documents.roles) uses.byRole(content)
  const declared = { role: scoped(snapshot, documents.roles), policy: scoped(snapshot, documents.policies) }
  uses.byUsedRoles(declared.role)
  return {
    leaving,
    goingUsers,
    owners: new Map([
      [OPERATOR_SCOPE, OPERATOR_SCOPE],
      ...snapshot.accounts
        .filter(({ name }) => declaredAccounts.has(name) || leavingNames.has(name))
        .map(({ id, name }) => [id, name] as const),
    ]),
    declared,
    usedRoles: uses.roles,
    usedPolicies: uses.policies,
    kept,
  }
}

/** Accounts that no document declares, and why some of them stay. */
function leavers({ accounts }: Snapshot, documents: Documents, { self, offers }: Pruning & PlanOptions) {
  const declared = new Set(documents.accounts.map(({ content }) => content.name))
  const owning = new Set([...documents.policies, ...documents.roles].map(({ content }) => content.account))
  const reasonOf = (name: string): string | undefined => {
    if (owning.has(name)) return 'a document declares something of it'
    if (name === self.account) return 'who prunes is in it'
    return offers('account.delete') ? undefined : 'accounts cannot be deleted'
  }
  const leaving: AccountRecord[] = []
  const kept: Kept[] = []
  for (const account of accounts) {
    if (account.role !== 'tenant' || declared.has(account.name)) continue
    const why = reasonOf(account.name)
    if (why === undefined) leaving.push(account)
    else kept.push({ target: accountTarget(account.name), why })
  }
  return { leaving, kept }
}

type Owned = { readonly name: string; readonly account?: string | undefined }

function scoped(snapshot: Snapshot, all: readonly { readonly content: Owned }[]): ReadonlySet<string> {
  return new Set(all.map(({ content }) => `${scopeOf(snapshot, content.account) ?? ''} ${content.name}`))
}

function scopeOf({ accounts }: Snapshot, account: string | undefined): string | undefined {
  return account === undefined ? OPERATOR_SCOPE : accounts.find(({ name }) => name === account)?.id
}

interface RoleContent {
  readonly account?: string | undefined
  readonly policies: readonly string[]
  readonly roles?: readonly string[] | undefined
}

/**
 * Policies and roles that are had, by id. A name may lead to an account's own or to everybody's, and whichever it led to
 * when it was given is had: so both count.
 */
class Uses {
  readonly policies = new Set<string>()
  readonly roles = new Set<string>()
  readonly #snapshot: Snapshot

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
  }

  policy(account: string | undefined, name: string | undefined): void {
    for (const { id } of this.#named(this.#snapshot.policies, account, name)) this.policies.add(id)
  }

  byUser(
    account: string,
    user: { readonly policies: readonly string[]; readonly roles: readonly string[] },
  ): void {
    for (const name of user.policies) this.policy(account, name)
    for (const name of user.roles) this.#role(account, name)
  }

  byRole({ account, policies, roles = [] }: RoleContent): void {
    for (const name of policies) this.policy(account, name)
    for (const name of roles) this.#role(account, name)
  }

  /** What roles that are had give, those within them too. Those that are declared give what their document says. */
  byUsedRoles(declared: ReadonlySet<string>): void {
    const names = new Map(this.#snapshot.accounts.map(({ id, name }) => [id, name]))
    const roles = new Map(this.#snapshot.roles.map((role) => [role.id, role]))
    for (const used of this.roles) {
      const role = roles.get(used) // What is within it is used by then, and comes after it.
      if (role === undefined || declared.has(`${role.scope} ${role.name}`)) continue
      this.byRole({ account: names.get(role.scope), policies: role.policies, roles: role.roles })
    }
  }

  #role(account: string | undefined, name: string): void {
    for (const { id } of this.#named(this.#snapshot.roles, account, name)) this.roles.add(id)
  }

  #named<Item extends { readonly name: string; readonly scope: string }>(
    items: readonly Item[],
    account: string | undefined,
    name: string | undefined,
  ): readonly Item[] {
    const scopes = [OPERATOR_SCOPE, scopeOf(this.#snapshot, account)]
    return items.filter((item) => item.name === name && scopes.includes(item.scope))
  }
}
