import type { Grant } from '../domain/grant.ts'
import { allOpenUntil } from '../domain/window.ts'
import { SUBJECTS_LENGTH_MAX } from '../domain/worn.ts'
import type { Unsigned, UserClaims } from '../jwt/claims.ts'
import { buildUser, validateUser } from '../jwt/user.ts'
import type { Standing } from './eligible.ts'
import { Denial } from './reason.ts'
import { wear } from './wear.ts'

declare const checked: unique symbol
/** Claims that passed every check nats-server will make. Only `prepare` makes them, so nothing else is signed. */
export type Prepared = Unsigned<UserClaims> & { readonly [checked]: true }

/** A fleet that connected together would expire together: a lifetime is cut by up to this part. */
const JITTER = 0.1

export interface Moment {
  readonly nowMs: number
  /** From 0 up to but not including 1. */
  readonly random: number
  /** When the connection began, where that is not now: its lifetime counts from there. */
  readonly sinceMs?: number | undefined
}

/** Whose connection it is: the one-time key that its server made for it. */
export interface Asker {
  readonly nats: { readonly user_nkey: string }
}

/** The user JWT's claims for this one connection (reference A.5). */
export function prepare(
  { user, account, credential, endsBy }: Standing,
  grant: Grant,
  { claims, moment }: { claims: Asker; moment: Moment },
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
      issuedAt: Math.floor((moment.sinceMs ?? moment.nowMs) / 1_000),
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

function lifetimeEnd(
  { lifetimeSeconds }: Grant,
  { nowMs, random, sinceMs = nowMs }: Moment,
): number | undefined {
  if (lifetimeSeconds === undefined) return undefined
  const end = Math.floor(sinceMs / 1_000 + lifetimeSeconds * (1 - JITTER * random))
  return Math.max(end, Math.floor(sinceMs / 1_000) + 1) // A second is the least there is; sooner is too late.
}

function secondsOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Math.floor(Date.parse(time) / 1_000)
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const end = Math.min(...times.map((time) => time ?? Infinity))
  return end === Infinity ? undefined : end
}
