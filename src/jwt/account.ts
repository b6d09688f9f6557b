import type { Fault } from '../errors.ts'
import type { AccountClaims, AccountLimits, AccountNats, ExternalAuthorization, Unsigned } from './claims.ts'
import { checkExports, checkInfo, checkRevocations, needPublishSubject } from './exports.ts'
import { hasWildcards, needKey, needSubject } from './faults.ts'
import { checkImports } from './imports.ts'
import { checkPermissions, checkUserPermissionLimits } from './permissions.ts'

/** Who an account is. */
export interface AccountIdentity {
  readonly publicKey: string
  readonly name: string
  /** Seconds since the epoch; larger than in the JWT this one replaces, for resolvers that keep the newer. */
  readonly issuedAt: number
  /** Seconds since the epoch. Absent means never. */
  readonly expiresAt?: number
}

/** Every JetStream limit of an account, none of them limiting. */
export const UNLIMITED_JETSTREAM = {
  mem_storage: -1,
  disk_storage: -1,
  streams: -1,
  consumer: -1,
  max_ack_pending: -1,
  mem_max_stream_bytes: -1,
  disk_max_stream_bytes: -1,
  max_bytes_required: false,
} as const satisfies AccountLimits

/** Every limit of an account, none of them limiting, and no JetStream, which is absent by being zero. */
export const UNLIMITED_ACCOUNT = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  disallow_bearer: false,
  conn: -1,
  leaf: -1,
} as const satisfies AccountLimits

/** JetStream is on once there is storage of some sort; the other sort stays off, the rest is unlimited. */
const JETSTREAM_WITH_STORAGE = { ...UNLIMITED_JETSTREAM, mem_storage: 0, disk_storage: 0 } as const

/**
 * The whole block of limits: what is not given is unlimited, JetStream is off unless storage is given. Never write
 * a part of it by hand: what a limits block omits is zero, and an account without `conn` lets nobody in.
 */
export function accountLimits(limits: AccountLimits = {}): AccountLimits {
  const stores = Boolean(limits.mem_storage) || Boolean(limits.disk_storage)
  return { ...UNLIMITED_ACCOUNT, ...(stores && JETSTREAM_WITH_STORAGE), ...limits }
}

/** Claims of an account, limits complete. Signed by the operator, under strict usage by one of its signing keys. */
export function buildAccount(
  identity: AccountIdentity,
  nats: Omit<AccountNats, 'type' | 'version'>,
): Unsigned<AccountClaims> {
  const { publicKey, name, issuedAt, expiresAt } = identity
  return {
    sub: publicKey,
    name,
    iat: issuedAt,
    ...(expiresAt !== undefined && { exp: expiresAt }),
    nats: { ...nats, limits: accountLimits(nats.limits), type: 'account', version: 2 },
  }
}

/** Everything a resolver would refuse in an account JWT that is pushed to it (`Account.Validate` of nats-io/jwt). */
export function validateAccount(claims: Unsigned<AccountClaims>): Fault[] {
  const faults: Fault[] = []
  const { nats } = claims
  needKey(faults, 'sub', { text: claims.sub, kind: 'account' })
  checkImports(faults, { account: claims.sub, imports: nats.imports ?? [] })
  checkExports(faults, nats.exports ?? [])
  checkLimits(faults, nats)
  checkSigningKeys(faults, nats)
  checkRevocations(faults, 'nats.revocations', { kind: 'user', keys: Object.keys(nats.revocations ?? {}) })
  if (nats.default_permissions) checkPermissions(faults, 'nats.default_permissions', nats.default_permissions)
  checkMappings(faults, nats)
  if (nats.authorization) checkAuthorization(faults, nats.authorization)
  checkTrace(faults, nats)
  checkInfo(faults, 'nats', nats)
  return faults
}

function checkLimits(faults: Fault[], { limits = {}, imports = [], exports = [] }: AccountNats): void {
  checkIntegers(faults, 'nats.limits', limits)
  const tiers = Object.keys(limits.tiered_limits ?? {})
  const flat = Object.keys(UNLIMITED_JETSTREAM).some((name) =>
    Boolean(limits[name as keyof typeof UNLIMITED_JETSTREAM]),
  )
  if (tiers.length > 0 && flat) {
    faults.push({ where: 'nats.limits.tiered_limits', rule: 'must not stand beside flat JetStream limits' })
  }
  if (tiers.includes('')) faults.push({ where: 'nats.limits.tiered_limits', rule: 'must name every tier' })
  const { imports: importsMax = 0, exports: exportsMax = 0, wildcards = false } = limits
  if (importsMax !== -1 && imports.length > importsMax) {
    faults.push({ where: 'nats.imports', rule: 'must not be more than limits.imports allows' })
  }
  if (exportsMax === -1) return
  if (exports.length > exportsMax) {
    faults.push({ where: 'nats.exports', rule: 'must not be more than limits.exports allows' })
  }
  if (!wildcards && exports.some(({ subject }) => hasWildcards(subject))) {
    faults.push({ where: 'nats.exports', rule: 'must not have wildcards unless limits.wildcards allows' })
  }
}

/** All numbers of limits are 64-bit integers to a resolver, which cannot read a JWT with another one. */
function checkIntegers(faults: Fault[], where: string, limits: object): void {
  for (const [name, value] of Object.entries(limits) as [string, unknown][]) {
    if (typeof value === 'object' && value !== null) checkIntegers(faults, `${where}.${name}`, value)
    if (typeof value !== 'number' || (Number.isInteger(value) && Math.abs(value) < 2 ** 63)) continue
    faults.push({ where: `${where}.${name}`, rule: 'must be a whole number of 64 bits' })
  }
}

function checkSigningKeys(faults: Fault[], { signing_keys = [] }: AccountNats): void {
  for (const [i, one] of signing_keys.entries()) {
    const where = `nats.signing_keys[${i}]`
    needKey(faults, where, { text: typeof one === 'string' ? one : one.key, kind: 'account' })
    if (typeof one === 'string') continue
    if ((one.kind as string) !== 'user_scope')
      faults.push({ where: `${where}.kind`, rule: 'must be user_scope' })
    checkUserPermissionLimits(faults, `${where}.template`, one.template)
  }
}

function checkMappings(faults: Fault[], { mappings = {} }: AccountNats): void {
  for (const [from, targets] of Object.entries(mappings)) {
    const where = `nats.mappings.${from}`
    const weights = new Map<string, number>()
    needSubject(faults, where, from)
    for (const [i, { subject, weight, cluster = '' }] of targets.entries()) {
      needSubject(faults, `${where}[${i}].subject`, subject)
      const percent = weight || 100 // Zero means 100, too.
      if (percent < 0 || percent > 100)
        faults.push({ where: `${where}[${i}].weight`, rule: 'must be 0 to 100' })
      weights.set(cluster, (weights.get(cluster) ?? 0) + percent)
    }
    if ([...weights.values()].some((total) => total > 100)) {
      faults.push({ where, rule: 'must have weights of at most 100 together in every cluster' })
    }
  }
}

function checkAuthorization(faults: Fault[], authorization: ExternalAuthorization): void {
  const { auth_users = [], allowed_accounts = [], xkey = '' } = authorization
  const where = 'nats.authorization'
  if (allowed_accounts.length > 0 && auth_users.length === 0) {
    faults.push({ where: `${where}.allowed_accounts`, rule: 'must not stand without auth_users' })
  }
  auth_users.forEach((text, i) => needKey(faults, `${where}.auth_users[${i}]`, { text, kind: 'user' }))
  for (const [i, text] of allowed_accounts.entries()) {
    if (text !== '*') needKey(faults, `${where}.allowed_accounts[${i}]`, { text, kind: 'account' })
    else if (allowed_accounts.length > 1) {
      faults.push({ where: `${where}.allowed_accounts[${i}]`, rule: 'must be keys, or * alone' })
    }
  }
  if (xkey !== '') needKey(faults, `${where}.xkey`, { text: xkey, kind: 'curve' })
}

function checkTrace(faults: Fault[], { trace, cluster_traffic = '' }: AccountNats): void {
  if (!['', 'system', 'owner'].includes(cluster_traffic)) {
    faults.push({ where: 'nats.cluster_traffic', rule: 'must be system or owner' })
  }
  if (trace === undefined) return
  needPublishSubject(faults, 'nats.trace.dest', trace.dest ?? '')
  const { sampling = 0 } = trace
  if (sampling < 0 || sampling > 100) faults.push({ where: 'nats.trace.sampling', rule: 'must be 1 to 100' })
}
