import type { Grant } from '../domain/grant.ts'
import type { SubjectRules } from '../domain/policy.ts'
import { allOpenUntil } from '../domain/window.ts'
import { SUBJECTS_LENGTH_MAX, worn } from '../domain/worn.ts'
import type {
  AuthorizationRequestClaims,
  Permission,
  Permissions,
  Unsigned,
  UserClaims,
} from '../jwt/claims.ts'
import { buildUser, validateUser } from '../jwt/user.ts'
import type { Standing } from './eligible.ts'
import { Denial } from './reason.ts'

declare const checked: unique symbol
/** Claims that passed every check nats-server will make. Only `prepare` makes them, so nothing else is signed. */
export type Prepared = Unsigned<UserClaims> & { readonly [checked]: true }

/** A fleet that connected together would expire together: a lifetime is cut by up to this part. */
const JITTER = 0.1

export interface Moment {
  readonly nowMs: number
  /** From 0 up to but not including 1. */
  readonly random: number
}

/** The user JWT's claims for this one connection (reference A.5). */
export function prepare(
  { user, account, credential, endsBy }: Standing,
  grant: Grant,
  { claims, moment }: { claims: AuthorizationRequestClaims; moment: Moment },
): Prepared | Denial {
  const closesAt = allOpenUntil(grant.windows ?? [], moment.nowMs)
  if (closesAt === undefined) return new Denial('outside_window', 'closed meanwhile')
  const expiresAt = earliest(
    lifetimeEnd(grant, moment),
    closesAt / 1_000,
    secondsOf(endsBy),
    ...[credential, user, account].map((each) => secondsOf(each.expiresAt)),
  )
  const permissions = wear(grant)
  if (permissions === undefined)
    return new Denial('grant_invalid', `more than ${SUBJECTS_LENGTH_MAX} characters of subjects`)
  const prepared = buildUser(
    {
      publicKey: claims.nats.user_nkey,
      name: user.name,
      issuedAt: Math.floor(moment.nowMs / 1_000),
      ...(account.signingKeys.length > 0 && { issuerAccount: account.id }),
      ...(expiresAt !== undefined && { expiresAt }),
    },
    permissions,
  )
  const [fault] = validateUser(prepared)
  return fault === undefined
    ? (prepared as Prepared)
    : new Denial('grant_invalid', `${fault.where} ${fault.rule}`)
}

/** A grant stays the same object while it holds, and so does what it looks like in a JWT. */
const wardrobe = new WeakMap<Grant, Permissions | undefined>()

/** The permissions of a JWT; undefined when they are too many for one. */
function wear(grant: Grant): Permissions | undefined {
  if (wardrobe.has(grant)) return wardrobe.get(grant)
  const { responses } = grant
  const wears = worn(grant)
  const permissions = wears && {
    pub: permission(wears.publish),
    sub: permission(wears.subscribe),
    ...(responses && { resp: { max: responses.max, ttl: responses.ttlMs * 1_000_000 } }),
  }
  wardrobe.set(grant, permissions)
  return permissions
}

/** To nats-server no allow list means everything (reference 0.3), so nothing is said as a deny of everything. */
function permission({ allow, deny }: SubjectRules): Permission {
  if (allow.length === 0) return { deny: ['>'] }
  return deny.length === 0 ? { allow } : { allow, deny }
}

function lifetimeEnd({ lifetimeSeconds }: Grant, { nowMs, random }: Moment): number | undefined {
  if (lifetimeSeconds === undefined) return undefined
  const end = Math.floor(nowMs / 1_000 + lifetimeSeconds * (1 - JITTER * random))
  return Math.max(end, Math.floor(nowMs / 1_000) + 1) // A second is the least there is; sooner is too late.
}

function secondsOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Math.floor(Date.parse(time) / 1_000)
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const end = Math.min(...times.map((time) => time ?? Infinity))
  return end === Infinity ? undefined : end
}
