import type { z } from 'zod'
import type { Account } from '../domain/account.ts'
import { memberKey, type Census } from '../domain/census.ts'
import { OPERATOR_SCOPE, type Policy } from '../domain/policy.ts'
import type { Role } from '../domain/role.ts'
import type { User } from '../domain/user.ts'
import { accountDeleteCommands } from './account-delete.ts'
import { accountLifeCommands } from './account-life.ts'
import { accountCommands, DEFAULT_POLICY } from './account.ts'
import { accountWith, idsIn, userOf, type Draft } from './census.ts'
import type { Command } from './command.ts'
import { policyLifeCommands } from './policy-life.ts'
import { policyCommands } from './policy.ts'
import { roleCommands } from './role.ts'
import type { Step } from './steps.ts'
import { userLifeCommands } from './user-life.ts'
import { userCommands } from './user.ts'

/** What a step does to a census, as far as that matters to what anybody may do. */
interface Effect {
  readonly command: Command
  readonly apply: (draft: Draft, payload: Step['payload']) => void
}

function effect<Request extends z.ZodObject>(
  command: Command<Request>,
  apply: (draft: Draft, request: z.output<Request>) => void,
): Effect {
  return {
    command: command,
    apply: (draft, payload) => apply(draft, command.request.parse(payload)),
  }
}

const { createPolicy, updatePermissions, updateLimits } = policyCommands
const { createRole, updateRole } = roleCommands
const { createAccount, setDefaultPolicy } = accountCommands
const { createUser, assignPolicy, removePolicy, updateMetadata } = userCommands
const { assignRole, removeRole, deleteUser } = userLifeCommands

const EFFECTS: readonly Effect[] = [
  effect(createPolicy, (draft, { name, account, description, limits, delegable, ...permissions }) => {
    const facts = { name, description, limits, delegable, permissions }
    const id = newId('policy', account, name)
    draft.policies.set(id, {
      ...facts,
      status: 'present',
      id,
      scope: scopeOf(draft, account),
      version: 1,
      createdAt: '',
    })
  }),
  effect(updatePermissions, (draft, { policy, account, ...permissions }) =>
    changePolicy(draft, { name: policy, account }, { permissions }),
  ),
  effect(updateLimits, (draft, { policy, account, limits }) =>
    changePolicy(draft, { name: policy, account }, { limits }),
  ),
  effect(policyLifeCommands.deletePolicy, (draft, { policy, account }) => {
    draft.policies.delete(own(draft, draft.policies, { name: policy, account })?.id ?? '')
  }),
  effect(createRole, (draft, { name, account, policies, roles, ...facts }) => {
    const [id, scope] = [newId('role', account, name), scopeOf(draft, account)]
    const holds = heldIn(draft, scope, { policies, roles })
    draft.roles.set(id, { ...facts, ...holds, status: 'present', id, name, scope, createdAt: '' })
  }),
  effect(updateRole, (draft, { role, account, policies, roles }) => {
    const found = own(draft, draft.roles, { name: role, account })
    if (found === undefined) return
    const holds = heldIn(draft, found.scope, { policies, roles: roles ?? found.roles })
    draft.roles.set(found.id, { ...found, ...holds })
  }),
  effect(roleCommands.deleteRole, (draft, { role, account }) => {
    draft.roles.delete(own(draft, draft.roles, { name: role, account })?.id ?? '')
  }),
  effect(createAccount, (draft, { name, limits, metadata, defaultPolicy = DEFAULT_POLICY }) => {
    const facts = { id: newId('account', undefined, name), name, role: 'tenant' as const, limits, metadata }
    draft.accounts.set(facts.id, accountWith(facts, { defaultPolicy }, idsIn(draft.policies, facts.id)))
  }),
  effect(setDefaultPolicy, (draft, { account, policy }) =>
    changeAccount(draft, account, { defaultPolicy: policy }),
  ),
  effect(accountLifeCommands.setBoundaryPolicy, (draft, { account, policy }) =>
    changeAccount(draft, account, { boundaryPolicy: policy }),
  ),
  effect(accountDeleteCommands.deleteAccount, (draft, { account }) => {
    draft.accounts.delete(accountId(draft, account))
  }),
  effect(createUser, (draft, { account, ...facts }) => {
    const id = accountId(draft, account)
    const user = userOf(id, facts, { policies: idsIn(draft.policies, id), roles: idsIn(draft.roles, id) })
    draft.users.set(memberKey(user), user)
  }),
  effect(updateMetadata, (draft, { metadata, ...whose }) =>
    changeUser(draft, whose, (user) => ({ ...user, metadata })),
  ),
  effect(assignPolicy, (draft, { policy, ...whose }) => give(draft, whose, { policies: policy })),
  effect(removePolicy, (draft, { policy, ...whose }) => take(draft, whose, { policies: policy })),
  effect(assignRole, (draft, { role, ...whose }) => give(draft, whose, { roles: role })),
  effect(removeRole, (draft, { role, ...whose }) => take(draft, whose, { roles: role })),
  effect(deleteUser, (draft, { account, user }) => {
    draft.users.delete(memberKey({ account: accountId(draft, account), name: user }))
  }),
]

const BY_NAME = new Map(EFFECTS.map((each) => [each.command.name, each]))

/** What would be once these commands were done. Steps that say nothing of what anybody may do change nothing here. */
export function afterSteps(before: Census, steps: readonly Step[]): Census {
  const draft: Draft = {
    accounts: new Map(before.accounts),
    policies: new Map(before.policies),
    roles: new Map(before.roles),
    users: new Map(before.users),
  }
  for (const { name, payload } of steps) BY_NAME.get(name)?.apply(draft, payload)
  return draft
}

/** Can it change what somebody may do? */
export function isOfConsequence({ name }: Step): boolean {
  return BY_NAME.has(name)
}

/** What is made has no id yet: no name has a slash. */
function newId(kind: string, account: string | undefined, name: string): string {
  return `new/${kind}/${account ?? ''}/${name}`
}

function accountId({ accounts }: Census, name: string): string {
  return [...accounts.values()].find((account) => account.name === name)?.id ?? name
}

function scopeOf(draft: Draft, account: string | undefined): string {
  return account === undefined ? OPERATOR_SCOPE : accountId(draft, account)
}

interface Named {
  readonly name: string
  readonly account: string | undefined
}

function own<Item extends Policy | Role>(
  draft: Draft,
  items: ReadonlyMap<string, Item>,
  { name, account }: Named,
): Item | undefined {
  const scope = scopeOf(draft, account)
  return [...items.values()].find((item) => item.scope === scope && item.name === name)
}

function changePolicy(draft: Draft, named: Named, change: Partial<Policy>): void {
  const found = own(draft, draft.policies, named)
  if (found !== undefined) draft.policies.set(found.id, { ...found, ...change })
}

function changeAccount(
  draft: Draft,
  name: string,
  change: { readonly [Field in 'defaultPolicy' | 'boundaryPolicy']?: string | undefined },
): void {
  const found = draft.accounts.get(accountId(draft, name))
  if (found === undefined) return
  const ids = idsIn(draft.policies, found.id)
  const named = Object.entries(change).map(([field, policy]) => [field, policy && ids([policy])[0]])
  draft.accounts.set(found.id, { ...found, ...(Object.fromEntries(named) as Partial<Account>) })
}

function changeUser(draft: Draft, { account, user }: Whose, change: (user: User) => User): void {
  const key = memberKey({ account: accountId(draft, account), name: user })
  const found = draft.users.get(key)
  if (found !== undefined) draft.users.set(key, change(found))
}

interface Whose {
  readonly account: string
  readonly user: string
}

/** What a role holds, by the ids of the names. */
function heldIn(
  draft: Draft,
  scope: string,
  {
    policies,
    roles,
  }: { readonly policies: readonly string[]; readonly roles?: readonly string[] | undefined },
) {
  return { policies: idsIn(draft.policies, scope)(policies), roles: idsIn(draft.roles, scope)(roles ?? []) }
}

/** A policy or a role, by name. */
type Held = { readonly policies: string } | { readonly roles: string }

function give(draft: Draft, whose: Whose, held: Held): void {
  changeUser(draft, whose, (user) => {
    const idOf = (kind: 'policies' | 'roles', name: string): readonly string[] =>
      idsIn(draft[kind], user.account)([name])
    return 'policies' in held
      ? { ...user, policies: [...user.policies, ...idOf('policies', held.policies)] }
      : { ...user, roles: [...user.roles, ...idOf('roles', held.roles)] }
  })
}

function take(draft: Draft, whose: Whose, held: Held): void {
  const without = (kind: 'policies' | 'roles', ids: readonly string[], name: string): readonly string[] =>
    ids.filter((id) => draft[kind].get(id)?.name !== name)
  changeUser(draft, whose, (user) =>
    'policies' in held
      ? { ...user, policies: without('policies', user.policies, held.policies) }
      : { ...user, roles: without('roles', user.roles, held.roles) },
  )
}
