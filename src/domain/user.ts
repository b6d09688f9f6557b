import { GatehouseError } from '../errors.ts'
import { ABSENT, type Absent, type Decider } from './decider.ts'
import { same } from './same.ts'

/** How many credentials one user may hold at a time; it bounds the size of its record. */
export const CREDENTIALS_MAX = 32

interface CredentialFacts {
  readonly id: string
  readonly label?: string | undefined
  readonly createdAt: string
  /** RFC 3339. From then on the credential proves nothing, and connections made with it end. */
  readonly expiresAt?: string | undefined
}

/** What a user proves itself with. Never the secret itself: a hash, or a public key. */
export type Credential = CredentialFacts &
  (
    | { readonly kind: 'token'; /** SHA-256 of the token, hex. */ readonly hash: string }
    | { readonly kind: 'password'; /** PHC string, argon2id. */ readonly hash: string }
    | {
        readonly kind: 'nkey'
        /** The U… public key that signs the server's nonce. */ readonly publicKey: string
      }
  )

/** Somebody who connects: a person or a service, in one account. */
export interface User {
  readonly status: 'present'
  readonly id: string
  /** The A… public key of its account. */
  readonly account: string
  /** Unique in its account; the `name` of every user JWT it gets. */
  readonly name: string
  /** Ids of policies. */
  readonly policies: readonly string[]
  readonly credentials: readonly Credential[]
  /** Ids of roles, each a named set of policies. */
  readonly roles: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: string
  /** Present while nobody may connect as this user. */
  readonly lock?: Lock | undefined
  /** RFC 3339. From then on nobody may. */
  readonly expiresAt?: string | undefined
}

/** Who was locked out, why and since when. */
export interface Lock {
  readonly reason: string
  readonly since: string
}

/** What an admin sees of a user at a glance. */
export type UserStatus = 'active' | 'locked' | 'expired'

export function statusOf({ lock, expiresAt }: User, nowMs: number): UserStatus {
  if (lock !== undefined) return 'locked'
  const isOver = expiresAt !== undefined && !(Date.parse(expiresAt) > nowMs) // So is one whose time is no time.
  return isOver ? 'expired' : 'active'
}

export type UserState = Absent | User

export interface CreateUser extends Omit<User, 'status' | 'credentials' | 'createdAt' | 'lock'> {
  readonly type: 'user.create'
  readonly at: string
}

export type UserCommand =
  | CreateUser
  | { readonly type: 'user.assign-policy'; readonly policy: string; readonly at: string }
  | { readonly type: 'user.remove-policy'; readonly policy: string; readonly at: string }
  | { readonly type: 'user.add-credential'; readonly credential: Credential; readonly at: string }
  | {
      readonly type: 'user.update-metadata'
      readonly metadata: Readonly<Record<string, string>>
      readonly at: string
    }
  | { readonly type: 'user.assign-role'; readonly role: string; readonly at: string }
  | { readonly type: 'user.remove-role'; readonly role: string; readonly at: string }
  | {
      readonly type: 'user.revoke-credential'
      readonly credential: string
      readonly reason?: string | undefined
      readonly at: string
    }
  | { readonly type: 'user.lock'; readonly reason: string; readonly at: string }
  | { readonly type: 'user.unlock'; readonly at: string }
  | { readonly type: 'user.clear-lockouts'; readonly source?: string | undefined; readonly at: string }
  | { readonly type: 'user.set-expiry'; readonly expiresAt?: string | undefined; readonly at: string }
  | { readonly type: 'user.delete'; readonly at: string }

export type UserEvent =
  | (Omit<CreateUser, 'type'> & { readonly type: 'user.registered' })
  | { readonly type: 'user.policy_assigned'; readonly policy: string; readonly at: string }
  | { readonly type: 'user.policy_removed'; readonly policy: string; readonly at: string }
  | { readonly type: 'user.credential_added'; readonly credential: Credential; readonly at: string }
  | {
      readonly type: 'user.metadata_updated'
      readonly old: Readonly<Record<string, string>>
      readonly new: Readonly<Record<string, string>>
      readonly at: string
    }
  | { readonly type: 'user.role_assigned'; readonly role: string; readonly at: string }
  | { readonly type: 'user.role_removed'; readonly role: string; readonly at: string }
  | {
      readonly type: 'user.credential_revoked'
      readonly credential: Credential
      readonly reason?: string | undefined
      readonly at: string
    }
  | { readonly type: 'user.locked'; readonly reason: string; readonly at: string }
  | { readonly type: 'user.unlocked'; readonly at: string }
  | { readonly type: 'user.lockouts_cleared'; readonly source?: string | undefined; readonly at: string }
  | {
      readonly type: 'user.expiry_set'
      readonly old?: string | undefined
      readonly new?: string | undefined
      readonly at: string
    }
  | { readonly type: 'user.deleted'; readonly at: string }

function decide(state: UserState, command: UserCommand): readonly UserEvent[] {
  if (command.type === 'user.create') {
    if (state.status !== 'absent')
      throw new GatehouseError('already_exists', `user "${state.name}" already exists`)
    return [{ ...command, type: 'user.registered' }]
  }
  if (state.status === 'absent') throw new GatehouseError('not_found', 'user does not exist')
  const { at } = command
  switch (command.type) {
    case 'user.assign-policy':
      if (state.policies.includes(command.policy)) return []
      return [{ type: 'user.policy_assigned', policy: command.policy, at }]
    case 'user.remove-policy':
      if (!state.policies.includes(command.policy)) return []
      return [{ type: 'user.policy_removed', policy: command.policy, at }]
    case 'user.add-credential':
      return addCredential(state, command.credential, at)
    case 'user.update-metadata':
      if (same(state.metadata, command.metadata)) return []
      return [{ type: 'user.metadata_updated', old: state.metadata, new: command.metadata, at }]
    case 'user.assign-role':
      return state.roles.includes(command.role)
        ? []
        : [{ type: 'user.role_assigned', role: command.role, at }]
    case 'user.remove-role':
      return state.roles.includes(command.role) ? [{ type: 'user.role_removed', role: command.role, at }] : []
    case 'user.revoke-credential':
      return revokeCredential(state, command)
    case 'user.lock':
      return state.lock === undefined ? [{ type: 'user.locked', reason: command.reason, at }] : []
    case 'user.unlock':
      return state.lock === undefined ? [] : [{ type: 'user.unlocked', at }]
    case 'user.clear-lockouts':
      return [{ type: 'user.lockouts_cleared', source: command.source, at }] // They are counted elsewhere.
    case 'user.set-expiry':
      if (state.expiresAt === command.expiresAt) return []
      return [{ type: 'user.expiry_set', old: state.expiresAt, new: command.expiresAt, at }]
    case 'user.delete':
      return [{ type: 'user.deleted', at }]
  }
}

/** A credential that is not there has nothing left to revoke, and whoever named it should know. */
function revokeCredential(
  user: User,
  { credential: id, reason, at }: Extract<UserCommand, { type: 'user.revoke-credential' }>,
): readonly UserEvent[] {
  const credential = user.credentials.find((held) => held.id === id)
  if (credential === undefined) throw new GatehouseError('not_found', `there is no credential "${id}"`)
  return [{ type: 'user.credential_revoked', credential, reason, at }]
}

function addCredential(user: User, credential: Credential, at: string): readonly UserEvent[] {
  if (user.credentials.some(({ id }) => id === credential.id)) {
    throw new GatehouseError('already_exists', `credential "${credential.id}" already exists`)
  }
  if (user.credentials.length >= CREDENTIALS_MAX) {
    throw new GatehouseError(
      'limit_reached',
      `a user holds at most ${CREDENTIALS_MAX} credentials: revoke one first`,
    )
  }
  return [{ type: 'user.credential_added', credential, at }]
}

function evolve(state: UserState, event: UserEvent): UserState {
  if (event.type === 'user.registered') {
    const { type: _type, at, ...facts } = event
    return { ...facts, status: 'present', credentials: [], createdAt: at }
  }
  if (state.status === 'absent') return state
  switch (event.type) {
    case 'user.policy_assigned':
      return { ...state, policies: [...state.policies, event.policy] }
    case 'user.policy_removed':
      return { ...state, policies: state.policies.filter((id) => id !== event.policy) }
    case 'user.credential_added':
      return { ...state, credentials: [...state.credentials, event.credential] }
    case 'user.metadata_updated':
      return { ...state, metadata: event.new }
    case 'user.role_assigned':
      return { ...state, roles: [...state.roles, event.role] }
    case 'user.role_removed':
      return { ...state, roles: state.roles.filter((id) => id !== event.role) }
    case 'user.credential_revoked':
      return { ...state, credentials: state.credentials.filter(({ id }) => id !== event.credential.id) }
    case 'user.locked':
      return { ...state, lock: { reason: event.reason, since: event.at } }
    case 'user.unlocked':
      return { ...state, lock: undefined }
    case 'user.lockouts_cleared':
      return state
    case 'user.expiry_set':
      return { ...state, expiresAt: event.new }
    case 'user.deleted':
      return ABSENT
  }
}

export const user: Decider<UserState, UserCommand, UserEvent> = { initial: ABSENT, decide, evolve }
