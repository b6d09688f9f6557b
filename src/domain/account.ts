import { GatehouseError } from '../errors.ts'
import { ABSENT, type Absent, type Decider } from './decider.ts'
import type { AccountExport, AccountImport, RevokedActivations } from './exchange.ts'
import { revoke, type ActivationFacts, type Revocation } from './exchange.ts'
import type { SigningKey } from './operator.ts'
import { same } from './same.ts'

/** JetStream of one account, or of one of its tiers. Absent numbers mean no limit. */
export interface JetStreamLimits {
  /** Of all streams in memory together. */
  readonly memoryBytes?: number | undefined
  /** Of all streams on disk together. */
  readonly diskBytes?: number | undefined
  readonly streams?: number | undefined
  readonly consumers?: number | undefined
  /** What one consumer may have unacknowledged. */
  readonly maxAckPending?: number | undefined
  /** Of one stream in memory. */
  readonly memoryStreamBytes?: number | undefined
  /** Of one stream on disk. */
  readonly diskStreamBytes?: number | undefined
  /** Must every stream say how large it may grow? */
  readonly maxBytesRequired?: boolean | undefined
}

/** JetStream as a whole, or by number of replicas (`R1`, `R3`): never both (reference B.3). */
export interface AccountJetStreamLimits extends JetStreamLimits {
  readonly tiers?: Readonly<Record<string, JetStreamLimits>> | undefined
}

/** What nats-server enforces for an account through its JWT (reference B.3). Absent numbers mean no limit. */
export interface AccountLimits {
  readonly connections?: number | undefined
  readonly leafNodes?: number | undefined
  readonly subscriptions?: number | undefined
  readonly payloadBytes?: number | undefined
  readonly imports?: number | undefined
  readonly exports?: number | undefined
  /** May exports have wildcards? Absent means they may. */
  readonly wildcardExports?: boolean | undefined
  /** Are users with a bearer JWT of their own kept out? The tokens of Gatehouse are none. */
  readonly disallowBearer?: boolean | undefined
  /** Absent means the account has no JetStream. */
  readonly jetstream?: AccountJetStreamLimits | undefined
  /** How many users may be in the account. Enforced by Gatehouse, when one is made. */
  readonly users?: number | undefined
  /** How many connections one user may have at a time. Enforced by Gatehouse, at the door. */
  readonly sessionsPerUser?: number | undefined
}

/** The part an account plays in the trust chain of architecture section 1. */
export type AccountRole = 'system' | 'callout' | 'admin' | 'tenant'

/** An isolation boundary: users, subjects and streams of one account are invisible to every other. */
export interface Account {
  readonly status: 'present'
  /** The A… public key. */
  readonly id: string
  readonly name: string
  readonly role: AccountRole
  readonly description?: string | undefined
  /** Newest last; the last one signs users. Empty means the account's root key signs (never under strict signing). */
  readonly signingKeys: readonly SigningKey[]
  readonly limits: AccountLimits
  /** Id of the policy that applies to every user of the account. */
  readonly defaultPolicy?: string | undefined
  /** Id of the policy that caps everybody: nothing outside it is ever granted. */
  readonly boundaryPolicy?: string | undefined
  /** What other accounts may import. */
  readonly exports?: readonly AccountExport[] | undefined
  /** What it takes from other accounts, beside what Gatehouse gives it. */
  readonly imports?: readonly AccountImport[] | undefined
  /** Kept when exports are replaced: what was taken back does not come back with an export of that subject. */
  readonly revokedActivations?: RevokedActivations | undefined
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: string
  /** Present while nobody of the account may connect. */
  readonly suspension?: Suspension | undefined
  /** RFC 3339. From then on nobody may. */
  readonly expiresAt?: string | undefined
}

/** Why nobody of the account may connect, and since when. */
export interface Suspension {
  readonly reason: string
  readonly since: string
}

/** What an admin sees of an account at a glance. */
export type AccountStatus = 'active' | 'suspended' | 'expired'

export function accountStatus({ suspension, expiresAt }: Account, nowMs: number): AccountStatus {
  if (suspension !== undefined) return 'suspended'
  const isOver = expiresAt !== undefined && !(Date.parse(expiresAt) > nowMs) // So is one whose time is no time.
  return isOver ? 'expired' : 'active'
}

export type AccountState = Absent | Account

export interface CreateAccount extends Omit<
  Account,
  'status' | 'signingKeys' | 'createdAt' | 'suspension' | 'exports' | 'imports' | 'revokedActivations'
> {
  readonly type: 'account.create'
  readonly signingKeys: readonly string[]
  readonly at: string
}

/** The fields of an account that a document or an admin may change after its creation. */
export interface AccountSettings {
  readonly description?: string | undefined
  readonly limits: AccountLimits
  readonly defaultPolicy?: string | undefined
  readonly metadata: Readonly<Record<string, string>>
}

export type AccountCommand =
  | CreateAccount
  | { readonly type: 'account.update-limits'; readonly limits: AccountLimits; readonly at: string }
  | { readonly type: 'account.set-default-policy'; readonly policy?: string | undefined; readonly at: string }
  | {
      readonly type: 'account.update-metadata'
      readonly description?: string | undefined
      readonly metadata: Readonly<Record<string, string>>
      readonly at: string
    }
  | {
      readonly type: 'account.set-boundary-policy'
      readonly policy?: string | undefined
      readonly at: string
    }
  | { readonly type: 'account.set-expiry'; readonly expiresAt?: string | undefined; readonly at: string }
  | { readonly type: 'account.suspend'; readonly reason: string; readonly at: string }
  | { readonly type: 'account.reactivate'; readonly at: string }
  | {
      readonly type: 'account.update-exports'
      readonly exports: readonly AccountExport[]
      readonly at: string
    }
  | {
      readonly type: 'account.update-imports'
      readonly imports: readonly AccountImport[]
      readonly at: string
    }
  | ({ readonly type: 'account.create-activation'; readonly at: string } & ActivationFacts)
  | ({ readonly type: 'account.revoke-activation'; readonly at: string } & Revocation)
  | { readonly type: 'account.delete'; readonly reason?: string | undefined; readonly at: string }

/** What changed, as it was and as it is. */
interface Change<Value> {
  readonly old: Value
  readonly new: Value
}

export type AccountEvent =
  | (Omit<CreateAccount, 'type'> & { readonly type: 'account.created' })
  | ({ readonly type: 'account.limits_updated'; readonly at: string } & Change<AccountLimits>)
  | ({ readonly type: 'account.default_policy_set'; readonly at: string } & Change<string | undefined>)
  | ({ readonly type: 'account.metadata_updated'; readonly at: string } & Change<
      Pick<AccountSettings, 'description' | 'metadata'>
    >)
  | ({ readonly type: 'account.boundary_policy_set'; readonly at: string } & Change<string | undefined>)
  | ({ readonly type: 'account.expiry_set'; readonly at: string } & Change<string | undefined>)
  | { readonly type: 'account.suspended'; readonly reason: string; readonly at: string }
  | { readonly type: 'account.reactivated'; readonly at: string }
  | ({ readonly type: 'account.exports_updated'; readonly at: string } & Change<readonly AccountExport[]>)
  | ({ readonly type: 'account.imports_updated'; readonly at: string } & Change<readonly AccountImport[]>)
  | ({ readonly type: 'account.activation_created'; readonly at: string } & ActivationFacts)
  | ({ readonly type: 'account.activation_revoked'; readonly at: string } & Revocation)
  | { readonly type: 'account.deleted'; readonly reason?: string | undefined; readonly at: string }

function decide(state: AccountState, command: AccountCommand): readonly AccountEvent[] {
  if (command.type === 'account.create') {
    if (state.status !== 'absent')
      throw new GatehouseError('already_exists', `account "${state.name}" already exists`)
    return [{ ...command, type: 'account.created' }]
  }
  if (state.status === 'absent') throw new GatehouseError('not_found', 'account does not exist')
  const { at } = command
  switch (command.type) {
    case 'account.update-limits':
      if (same(state.limits, command.limits)) return []
      return [{ type: 'account.limits_updated', old: state.limits, new: command.limits, at }]
    case 'account.set-default-policy':
      if (state.defaultPolicy === command.policy) return []
      return [{ type: 'account.default_policy_set', old: state.defaultPolicy, new: command.policy, at }]
    case 'account.update-metadata': {
      const { description, metadata } = command
      const old = { description: state.description, metadata: state.metadata }
      if (same(old, { description, metadata })) return []
      return [{ type: 'account.metadata_updated', old, new: { description, metadata }, at }]
    }
    case 'account.set-boundary-policy':
      if (state.boundaryPolicy === command.policy) return []
      return [{ type: 'account.boundary_policy_set', old: state.boundaryPolicy, new: command.policy, at }]
    case 'account.set-expiry':
      if (state.expiresAt === command.expiresAt) return []
      return [{ type: 'account.expiry_set', old: state.expiresAt, new: command.expiresAt, at }]
    case 'account.suspend':
      return state.suspension === undefined ? [{ type: 'account.suspended', reason: command.reason, at }] : []
    case 'account.reactivate':
      return state.suspension === undefined ? [] : [{ type: 'account.reactivated', at }]
    case 'account.update-exports': {
      const { exports: old = [] } = state
      if (same(old, command.exports)) return []
      return [{ type: 'account.exports_updated', old, new: command.exports, at }]
    }
    case 'account.update-imports': {
      const { imports: old = [] } = state
      if (same(old, command.imports)) return []
      return [{ type: 'account.imports_updated', old, new: command.imports, at }]
    }
    case 'account.create-activation':
      return [{ ...command, type: 'account.activation_created' }]
    case 'account.revoke-activation':
      return [{ ...command, type: 'account.activation_revoked' }]
    case 'account.delete':
      return [{ type: 'account.deleted', reason: command.reason, at }]
  }
}

function evolve(state: AccountState, event: AccountEvent): AccountState {
  if (event.type === 'account.created') {
    const { type: _type, at, signingKeys, ...facts } = event
    const keys = signingKeys.map((publicKey) => ({ publicKey, createdAt: at }))
    return { ...facts, status: 'present', signingKeys: keys, createdAt: at }
  }
  if (state.status === 'absent') return state
  switch (event.type) {
    case 'account.limits_updated':
      return { ...state, limits: event.new }
    case 'account.default_policy_set':
      return { ...state, defaultPolicy: event.new }
    case 'account.metadata_updated':
      return { ...state, ...event.new }
    case 'account.boundary_policy_set':
      return { ...state, boundaryPolicy: event.new }
    case 'account.expiry_set':
      return { ...state, expiresAt: event.new }
    case 'account.suspended':
      return { ...state, suspension: { reason: event.reason, since: event.at } }
    case 'account.reactivated':
      return { ...state, suspension: undefined }
    case 'account.exports_updated':
      return { ...state, exports: event.new }
    case 'account.imports_updated':
      return { ...state, imports: event.new }
    case 'account.activation_created':
      return state // It is in the hands of the importing account; what is kept is what was taken back.
    case 'account.activation_revoked':
      return { ...state, revokedActivations: revoke(state.revokedActivations, event) }
    case 'account.deleted':
      return ABSENT
  }
}

export const account: Decider<AccountState, AccountCommand, AccountEvent> = {
  initial: ABSENT,
  decide,
  evolve,
}
