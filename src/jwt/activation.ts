import type { Fault } from '../errors.ts'
import type { ActivationClaims, SubjectKind, Unsigned } from './claims.ts'
import { needIssuerAccount, needKey, needSubject, needSubjectKind } from './faults.ts'

/** Which account may import what. */
export interface ActivationGrant {
  /** Public key of the importing account. */
  readonly account: string
  /** The exported subject, or one inside it. */
  readonly subject: string
  readonly kind: SubjectKind
  readonly name?: string
  /** The exporting account, when one of its signing keys signs. */
  readonly issuerAccount?: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Seconds since the epoch. Absent means never. */
  readonly expiresAt?: number
}

/** Claims that let one account import an export that wants a token. Signed by the exporting account. */
export function buildActivation(grant: ActivationGrant): Unsigned<ActivationClaims> {
  const { account, subject, kind, name, issuerAccount, issuedAt, expiresAt } = grant
  return {
    sub: account,
    iat: issuedAt,
    ...(name !== undefined && { name }),
    ...(expiresAt !== undefined && { exp: expiresAt }),
    nats: {
      subject,
      kind,
      ...(issuerAccount !== undefined && { issuer_account: issuerAccount }),
      type: 'activation',
      version: 2,
    },
  }
}

/** Everything nats-io/jwt would refuse in an activation JWT. */
export function validateActivation(claims: Unsigned<ActivationClaims>): Fault[] {
  const faults: Fault[] = []
  needKey(faults, 'sub', { text: claims.sub, kind: 'account' })
  needSubject(faults, 'nats.subject', claims.nats.subject)
  needIssuerAccount(faults, claims.nats.issuer_account)
  needSubjectKind(faults, 'nats.kind', claims.nats.kind)
  return faults
}
