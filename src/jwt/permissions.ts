import { CONNECTION_TYPES } from '../domain/policy.ts'
import { isZone } from '../domain/window.ts'
import type { Fault } from '../errors.ts'
import type { Permission, Permissions, UserPermissionLimits } from './claims.ts'
import { needSubject, needSubscribeEntry } from './faults.ts'

const TIME_OF_DAY = /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d$/
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/
const LEADING_ZERO = /(?:^|\.)0\d/
const PREFIX_LENGTH = /^(?:0|[1-9]\d{0,2})$/

/** Notes every fault of pub, sub and resp: subjects are well-formed, only subscriptions name a queue group. */
export function checkPermissions(faults: Fault[], where: string, permissions: Permissions): void {
  checkPermission(faults, `${where}.pub`, permissions.pub)
  checkPermission(faults, `${where}.sub`, permissions.sub)
}

/** Notes every fault of what a user may do, as `UserPermissionLimits` in nats-io/jwt, and unknown connection types. */
export function checkUserPermissionLimits(
  faults: Fault[],
  where: string,
  limits: UserPermissionLimits,
): void {
  checkPermissions(faults, where, limits)
  for (const [i, cidr] of cidrs(limits.src).entries()) {
    if (!isCidr(cidr)) faults.push({ where: `${where}.src[${i}]`, rule: 'must be a CIDR' })
  }
  for (const [i, { start, end }] of (limits.times ?? []).entries()) {
    if (TIME_OF_DAY.test(start) && TIME_OF_DAY.test(end)) continue
    faults.push({ where: `${where}.times[${i}]`, rule: 'must have a start and an end as HH:MM:SS' })
  }
  if (limits.times_location && !isZone(limits.times_location)) {
    faults.push({ where: `${where}.times_location`, rule: 'must be the name of an IANA time zone' })
  }
  for (const [i, type] of (limits.allowed_connection_types ?? []).entries()) {
    if (CONNECTION_TYPES.some((known) => known === type.toUpperCase())) continue
    faults.push({
      where: `${where}.allowed_connection_types[${i}]`,
      rule: `must be one of ${CONNECTION_TYPES.join(', ')}`,
    })
  }
}

function checkPermission(faults: Fault[], where: string, permission: Permission | undefined): void {
  if (permission === undefined) return
  const { allow, deny } = permission
  const need = where.endsWith('.sub') ? needSubscribeEntry : needSubject
  if (allow !== undefined) {
    for (let i = 0; i < allow.length; i += 1) need(faults, `${where}.allow[${i}]`, allow[i] ?? '')
    if (allow.length === 0 && deny?.includes('>') !== true) {
      faults.push({
        where: `${where}.allow`,
        rule: 'must not be empty, since nats-server would allow everything; deny ">" instead',
      })
    }
  }
  if (deny !== undefined) {
    for (let i = 0; i < deny.length; i += 1) need(faults, `${where}.deny[${i}]`, deny[i] ?? '')
  }
}

function cidrs(src: readonly string[] | string | undefined): readonly string[] {
  if (src === undefined || src === '') return []
  return typeof src === 'string' ? src.split(',').map((cidr) => cidr.trim()) : src
}

/** As Go's `net.ParseCIDR`: no leading zeros, no zone, and always a prefix length. */
function isCidr(text: string): boolean {
  const [address = '', length = '', ...rest] = text.split('/')
  if (rest.length > 0 || !PREFIX_LENGTH.test(length)) return false
  if (IPV4.test(address)) return !LEADING_ZERO.test(address) && Number(length) <= 32
  // The URL parser knows IPv6 (RFC 4291) to the letter; the character check keeps it from anything else.
  return /^[\da-fA-F:.]+$/.test(address) && Number(length) <= 128 && URL.canParse(`http://[${address}]`)
}
