import type { AccountExport, RevokedActivations } from '../domain/exchange.ts'
import { revokedOf } from '../domain/exchange.ts'
import { covers } from '../domain/subject.ts'
import type { Fault } from '../errors.ts'
import { isPublicKey } from '../keys/nkey.ts'
import type { Export, Info, SubjectKind } from './claims.ts'
import { hasWildcards, needSubject, needSubjectKind } from './faults.ts'

const NANOS_PER_MS = 1_000_000
const RESPONSE_TYPES = ['Singleton', 'Stream', 'Chunked']
const INFO_LENGTH_MAX = 8 * 1_024

/** Notes every fault of an account's exports, each alone and all together (`Exports.Validate` of nats-io/jwt). */
export function checkExports(faults: Fault[], exports: readonly Export[]): void {
  exports.forEach((one, i) => checkExport(faults, `nats.exports[${i}]`, one))
  checkOverlap(faults, exports, 'service')
  checkOverlap(faults, exports, 'stream')
}

/** Notes a fault of a description or its link. */
export function checkInfo(faults: Fault[], where: string, { description = '', info_url = '' }: Info): void {
  if (description.length > INFO_LENGTH_MAX)
    faults.push({ where: `${where}.description`, rule: 'must be at most 8 KiB' })
  if (info_url === '') return
  if (info_url.length > INFO_LENGTH_MAX || !URL.canParse(info_url) || new URL(info_url).host === '') {
    faults.push({
      where: `${where}.info_url`,
      rule: 'must be a URL with a protocol and a host, at most 8 KiB',
    })
  }
}

/** Notes every key that is neither of that kind nor `*`. */
export function checkRevocations(
  faults: Fault[],
  where: string,
  revoked: { readonly kind: 'user' | 'account'; readonly keys: readonly string[] },
): void {
  for (const key of revoked.keys) {
    if (key === '*' || isPublicKey(key, revoked.kind)) continue
    faults.push({ where: `${where}.${key}`, rule: `must be named by a key of kind ${revoked.kind} or *` })
  }
}

function checkExport(faults: Fault[], where: string, one: Export): void {
  needSubject(faults, `${where}.subject`, one.subject)
  needSubjectKind(faults, `${where}.type`, one.type)
  if (one.type === 'service') checkService(faults, where, one)
  else checkStream(faults, where, one)
  if (one.account_token_position) checkTokenPosition(faults, where, one)
  checkRevocations(faults, `${where}.revocations`, {
    kind: 'account',
    keys: Object.keys(one.revocations ?? {}),
  })
  checkInfo(faults, where, one)
}

function checkService(faults: Fault[], where: string, one: Export): void {
  if (one.response_type && !RESPONSE_TYPES.includes(one.response_type)) {
    faults.push({ where: `${where}.response_type`, rule: `must be one of ${RESPONSE_TYPES.join(', ')}` })
  }
  if ((one.response_threshold ?? 0) < 0) {
    faults.push({ where: `${where}.response_threshold`, rule: 'must not be negative' })
  }
  if (one.service_latency === undefined) return
  const { sampling, results } = one.service_latency
  const isRate =
    typeof sampling === 'number' ? sampling >= 0 && sampling <= 100 : sampling.toLowerCase() === 'headers'
  if (!isRate)
    faults.push({ where: `${where}.service_latency.sampling`, rule: 'must be 1 to 100, or headers' })
  needPublishSubject(faults, `${where}.service_latency.results`, results)
}

function checkStream(faults: Fault[], where: string, one: Export): void {
  const rule = 'is for services only'
  if (one.response_type) faults.push({ where: `${where}.response_type`, rule })
  if (one.response_threshold) faults.push({ where: `${where}.response_threshold`, rule })
  if (one.service_latency !== undefined) faults.push({ where: `${where}.service_latency`, rule })
  if (one.allow_trace) faults.push({ where: `${where}.allow_trace`, rule })
}

/** Notes a fault unless the text is a subject without wildcards. */
export function needPublishSubject(faults: Fault[], where: string, subject: string): void {
  needSubject(faults, where, subject)
  if (hasWildcards(subject)) faults.push({ where, rule: 'must not contain wildcards' })
}

function checkTokenPosition(
  faults: Fault[],
  where: string,
  { subject, account_token_position = 0 }: Export,
): void {
  if (subject.split('.')[account_token_position - 1] === '*') return
  faults.push({
    where: `${where}.account_token_position`,
    rule: 'must be the place of a * in the subject, from 1',
  })
}

function checkOverlap(faults: Fault[], exports: readonly Export[], type: SubjectKind): void {
  exports.forEach((one, i) => {
    const other = exports.findIndex(
      (wider, j) => i !== j && wider.type === type && covers(wider.subject, one.subject),
    )
    if (one.type !== type || other === -1) return
    faults.push({ where: `nats.exports[${i}].subject`, rule: `must not lie within nats.exports[${other}]` })
  })
}

/** An export as the account's JWT says it. */
export function exportClaims(one: AccountExport, revoked: RevokedActivations = {}): Export {
  const revocations = revokedOf(one, revoked)
  return {
    name: one.name ?? one.subject,
    subject: one.subject,
    type: one.type,
    ...(one.access === 'private' && { token_req: true }),
    ...(Object.keys(revocations).length > 0 && { revocations }),
    ...(one.responseType !== undefined && { response_type: one.responseType }),
    ...(one.responseThresholdMs !== undefined && {
      response_threshold: one.responseThresholdMs * NANOS_PER_MS,
    }),
    ...(one.latency !== undefined && { service_latency: one.latency }),
    ...(one.accountTokenPosition !== undefined && { account_token_position: one.accountTokenPosition }),
    ...(one.advertise && { advertise: true }),
    ...(one.allowTrace && { allow_trace: true }),
    ...(one.description !== undefined && { description: one.description }),
    ...(one.infoUrl !== undefined && { info_url: one.infoUrl }),
  }
}
