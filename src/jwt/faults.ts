import { subjectFault } from '../domain/subject.ts'
import { subscribeEntryFault } from '../domain/subject-entry.ts'
import type { Fault } from '../errors.ts'
import { isPublicKey, type NkeyKind } from '../keys/nkey.ts'

/** Notes a fault unless the text is a public key of that kind. */
export function needKey(
  faults: Fault[],
  where: string,
  key: { readonly text: string; readonly kind: NkeyKind },
): void {
  if (isPublicKey(key.text, key.kind)) return
  faults.push({ where, rule: `must be a public key of kind ${key.kind}` })
}

/** Notes a fault unless `issuer_account` is absent, empty, or an account key. */
export function needIssuerAccount(faults: Fault[], issuerAccount: string | undefined): void {
  if (issuerAccount) needKey(faults, 'nats.issuer_account', { text: issuerAccount, kind: 'account' })
}

/** Notes a fault unless the text is a subject, wildcards allowed. */
export function needSubject(faults: Fault[], where: string, subject: string): void {
  const rule = subjectFault(subject)
  if (rule !== undefined) faults.push({ where, rule })
}

/** Notes a fault unless the text is `subject` or `subject queue`. */
export function needSubscribeEntry(faults: Fault[], where: string, entry: string): void {
  const rule = subscribeEntryFault(entry)
  if (rule !== undefined) faults.push({ where, rule })
}

/** Notes a fault unless the text says what a subject is exported or imported as. */
export function needSubjectKind(faults: Fault[], where: string, kind: string): void {
  if (kind !== 'service' && kind !== 'stream') faults.push({ where, rule: 'must be service or stream' })
}

/** Does a subject contain a wildcard token? */
export function hasWildcards(subject: string): boolean {
  return subject.split('.').some((token) => token === '*' || token === '>')
}
