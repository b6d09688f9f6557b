import type { Fault } from '../errors.ts'
import type { Unsigned, UserClaims, UserPermissionLimits } from './claims.ts'
import { needIssuerAccount, needKey } from './faults.ts'
import { checkUserPermissionLimits } from './permissions.ts'

/** Who a user JWT is for, and until when. */
export interface UserIdentity {
  /** The user's public key; for a callout the `user_nkey` of the request. */
  readonly publicKey: string
  /** What logs, events and templates call the connection. */
  readonly name: string
  /** The account, when one of its signing keys signs. Its root key signs without. */
  readonly issuerAccount?: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Seconds since the epoch. Absent means never. */
  readonly expiresAt?: number
  readonly audience?: string
  readonly tags?: readonly string[]
}

/** Every limit of a user, none of them limiting. Omitted they would be zero: no subscriptions at all. */
export const UNLIMITED_USER = { subs: -1, data: -1, payload: -1 } as const

/** Fields that a user of a scoped signing key may not carry (`HasEmptyPermissions` of nats-io/jwt). */
const SCOPED_AWAY = [
  'resp',
  'src',
  'times',
  'times_location',
  'subs',
  'data',
  'payload',
  'bearer_token',
  'proxy_required',
  'allowed_connection_types',
] as const satisfies readonly (keyof UserPermissionLimits)[]

/** Claims of a user with permissions of its own; what is not said about limits is unlimited. */
export function buildUser(identity: UserIdentity, may: UserPermissionLimits): Unsigned<UserClaims> {
  return { ...standardClaims(identity), nats: { ...UNLIMITED_USER, ...may, ...natsClaims(identity) } }
}

/** Claims of a user whom a scoped signing key signs: the server takes everything else from the scope's template. */
export function buildScopedUser(identity: UserIdentity): Unsigned<UserClaims> {
  return { ...standardClaims(identity), nats: natsClaims(identity) }
}

/** Everything nats-server would refuse in a user JWT, and an empty allow list, which it would take for everything. */
export function validateUser(claims: Unsigned<UserClaims>): Fault[] {
  const faults: Fault[] = []
  needKey(faults, 'sub', { text: claims.sub, kind: 'user' })
  needIssuerAccount(faults, claims.nats.issuer_account)
  checkUserPermissionLimits(faults, 'nats', claims.nats)
  return faults
}

/** What keeps a user from being signed by a scoped key: any permission or limit, even an unlimited one. */
export function validateScopedUser(claims: Unsigned<UserClaims>): Fault[] {
  const faults = validateUser(claims)
  const { nats } = claims
  const rule = 'must be absent in a user of a scoped signing key'
  for (const field of SCOPED_AWAY) {
    const value = nats[field]
    if (value !== undefined && value !== 0 && value !== false && value !== '')
      faults.push({ where: `nats.${field}`, rule })
  }
  for (const side of ['pub', 'sub'] as const) {
    if (nats[side]?.allow !== undefined || nats[side]?.deny !== undefined)
      faults.push({ where: `nats.${side}`, rule })
  }
  return faults
}

function standardClaims(identity: UserIdentity): Omit<Unsigned<UserClaims>, 'nats'> {
  const { publicKey, name, issuedAt, expiresAt, audience } = identity
  return {
    sub: publicKey,
    name,
    iat: issuedAt,
    ...(expiresAt !== undefined && { exp: expiresAt }),
    ...(audience !== undefined && { aud: audience }),
  }
}

function natsClaims({ issuerAccount, tags }: UserIdentity): UserClaims['nats'] {
  return {
    ...(issuerAccount !== undefined && { issuer_account: issuerAccount }),
    ...(tags !== undefined && { tags }),
    type: 'user',
    version: 2,
  }
}
