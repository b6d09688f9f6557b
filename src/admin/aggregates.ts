import { account, type AccountCommand, type AccountEvent, type AccountState } from '../domain/account.ts'
import type { Decider } from '../domain/decider.ts'
import type { AccountImport } from '../domain/exchange.ts'
import { operator, type OperatorCommand, type OperatorEvent, type OperatorState } from '../domain/operator.ts'
import {
  policy,
  POLICY_VERSIONS_MAX,
  type PolicyCommand,
  type PolicyEvent,
  type PolicyState,
} from '../domain/policy.ts'
import { role, type RoleCommand, type RoleEvent, type RoleState } from '../domain/role.ts'
import {
  accountNameKey,
  nkeyKey,
  policyNameKey,
  policyVersionKey,
  roleNameKey,
  tokenKey,
  useKey,
  usernameKey,
} from '../domain/state-keys.ts'
import { user, type Credential, type UserCommand, type UserEvent, type UserState } from '../domain/user.ts'

/** Facts of the operator itself are told under this token where an account's events have its A… key. */
export const OPERATOR_EVENTS = 'operator'

/** How one kind of aggregate is stored: what it decides, which look-ups lead to it, and what its events may tell. */
export interface Aggregate<State, Command, Event extends { readonly type: string }> {
  readonly decider: Decider<State, Command, Event>
  /** Index keys that lead here, each with what it holds. Uniqueness is theirs: a key is claimed or refused. */
  indexes(state: State): ReadonlyMap<string, unknown>
  /** Where each version of it is kept, newest first; none for what has no versions. */
  versions?(state: State): readonly string[]
  /** The token under which its events are told: an account, or the operator. A deleted one is told of as it was. */
  audience(state: State): string
  /** The event as the audit stream may show it: no secret, and no hash of one. */
  told(event: Event, state: State): Readonly<Record<string, unknown>>
}

const NONE: ReadonlyMap<string, unknown> = new Map()

export const operators: Aggregate<OperatorState, OperatorCommand, OperatorEvent> = {
  decider: operator,
  indexes: () => NONE,
  audience: () => OPERATOR_EVENTS,
  told: (event, state) => ({ ...(state.status === 'absent' ? {} : { operatorId: state.id }), ...event }),
}

export const accounts: Aggregate<AccountState, AccountCommand, AccountEvent> = {
  decider: account,
  indexes(state) {
    if (state.status === 'absent') return NONE
    const policies = [state.defaultPolicy, state.boundaryPolicy].filter((id) => id !== undefined)
    const uses = policies.map((id) => useKey('policy', id, `account.${state.id}`))
    return new Map([accountNameKey(state.name), ...uses].map((key) => [key, state.id]))
  },
  audience: (state) => (state.status === 'absent' ? OPERATOR_EVENTS : state.id),
  told(event, state) {
    const which = state.status === 'absent' ? {} : { accountId: state.id, name: state.name }
    if (event.type !== 'account.imports_updated') return { ...which, ...event }
    return { ...which, ...event, old: event.old.map(withoutToken), new: event.new.map(withoutToken) }
  },
}

export const policies: Aggregate<PolicyState, PolicyCommand, PolicyEvent> = {
  decider: policy,
  indexes: (state) =>
    state.status === 'absent' ? NONE : new Map([[policyNameKey(state.scope, state.name), state.id]]),
  versions(state) {
    if (state.status === 'absent') return []
    const kept = Math.min(state.version, POLICY_VERSIONS_MAX)
    return Array.from({ length: kept }, (_, back) => policyVersionKey(state.id, state.version - back))
  },
  audience: (state) => (state.status === 'absent' ? OPERATOR_EVENTS : state.scope),
  told: (event, state) => ({
    ...(state.status === 'absent' ? {} : { policyId: state.id, name: state.name }),
    ...event,
  }),
}

export const users: Aggregate<UserState, UserCommand, UserEvent> = {
  decider: user,
  indexes(state) {
    if (state.status === 'absent') return NONE
    const reference = { account: state.account, user: state.id }
    const by = `user.${state.account}.${state.id}`
    const keys = [
      usernameKey(state.name, state.account),
      ...state.credentials.flatMap(credentialKey),
      ...state.policies.map((id) => useKey('policy', id, by)),
      ...state.roles.map((id) => useKey('role', id, by)),
    ]
    return new Map(keys.map((key) => [key, reference]))
  },
  audience: (state) => (state.status === 'absent' ? OPERATOR_EVENTS : state.account),
  told(event, state) {
    const who = state.status === 'absent' ? {} : { userId: state.id, name: state.name }
    if (event.type !== 'user.credential_added' && event.type !== 'user.credential_revoked')
      return { ...who, ...event }
    const { id, kind, label, expiresAt } = event.credential
    return { ...who, ...event, credential: { id, kind, label, expiresAt } }
  },
}

export const roles: Aggregate<RoleState, RoleCommand, RoleEvent> = {
  decider: role,
  indexes(state) {
    if (state.status === 'absent') return NONE
    const by = `role.${state.id}`
    const uses = [
      ...state.policies.map((id) => useKey('policy', id, by)),
      ...(state.roles ?? []).map((id) => useKey('role', id, by)),
    ]
    return new Map([roleNameKey(state.scope, state.name), ...uses].map((key) => [key, state.id]))
  },
  audience: (state) => (state.status === 'absent' ? OPERATOR_EVENTS : state.scope),
  told: (event, state) => ({
    ...(state.status === 'absent' ? {} : { roleId: state.id, name: state.name }),
    ...event,
  }),
}

/** An activation lets its holder in: it is nothing for those who read along. */
function withoutToken({ token: _token, ...rest }: AccountImport): Omit<AccountImport, 'token'> {
  return rest
}

/** A password is found by the name of its user; the others lead to the user by themselves. */
function credentialKey(credential: Credential): readonly string[] {
  switch (credential.kind) {
    case 'token':
      return [tokenKey(credential.hash)]
    case 'nkey':
      return [nkeyKey(credential.publicKey)]
    case 'password':
      return []
  }
}
