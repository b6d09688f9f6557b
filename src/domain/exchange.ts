import { covers, overlaps } from './subject.ts'

/** What accounts give each other (reference B.3). Isolation ends only here, and only as far as both say. */

export type SubjectKind = 'stream' | 'service'

/** Something other accounts may import: messages of a stream, or the answers of a service. */
export interface AccountExport {
  readonly name?: string | undefined
  readonly subject: string
  readonly type: SubjectKind
  /** `private`: only with an activation of the exporting account. */
  readonly access: 'public' | 'private'
  /** Of a service. Absent: one reply. */
  readonly responseType?: 'Singleton' | 'Stream' | 'Chunked' | undefined
  /** How long the account waits for a reply of its service. */
  readonly responseThresholdMs?: number | undefined
  /** Counted from one: the `*` that must be the importing account's key. */
  readonly accountTokenPosition?: number | undefined
  /** How long a service takes, told on `results`: for so many percent of the requests, or those whose headers ask. */
  readonly latency?: { readonly sampling: number | 'headers'; readonly results: string } | undefined
  readonly advertise?: boolean | undefined
  readonly allowTrace?: boolean | undefined
  readonly description?: string | undefined
  readonly infoUrl?: string | undefined
}

/** Something of another account. */
export interface AccountImport {
  readonly name?: string | undefined
  /** The A… public key of the exporting account. */
  readonly account: string
  readonly subject: string
  /** Where it is found in the importing account. Absent: where the other has it. */
  readonly localSubject?: string | undefined
  readonly type: SubjectKind
  /** Of a service: is it told who asks? */
  readonly share?: boolean | undefined
  readonly allowTrace?: boolean | undefined
  /** The activation, where the export is private. */
  readonly token?: string | undefined
}

/** Who was given the right to import what, and for how long. */
export interface ActivationFacts {
  readonly exportType: SubjectKind
  readonly subject: string
  /** The A… key of the importing account. */
  readonly importer: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Seconds since the epoch. Absent: until it is revoked. */
  readonly expiresAt?: number | undefined
}

/** Activations of one export that hold no more. */
export interface Revocation {
  readonly exportType: SubjectKind
  readonly subject: string
  /** The A… key of the importing account, or `*` for everyone. */
  readonly importer: string
  /** Seconds since the epoch: what was issued up to then is revoked. */
  readonly until: number
}

/** `<type> <subject>` of an export, to who may no longer use what was issued up to which second. */
export type RevokedActivations = Readonly<Record<string, Readonly<Record<string, number>>>>

export const EVERYONE = '*'

export function revoke(
  revoked: RevokedActivations = {},
  { exportType, subject, importer, until }: Revocation,
): RevokedActivations {
  const key = `${exportType} ${subject}`
  const before = revoked[key] ?? {}
  const latest = Math.max(until, before[importer] ?? 0)
  // What everyone lost needs no entry of its own: the JWT stays small.
  const kept = Object.entries(before).filter(([, then]) => importer !== EVERYONE || then > latest)
  return { ...revoked, [key]: { ...Object.fromEntries(kept), [importer]: latest } }
}

/**
 * What is revoked of an export: also what was revoked of a wider or narrower one of the same type, so that nobody
 * gets back what was taken by the export being written differently.
 */
export function revokedOf(
  { type, subject }: Pick<AccountExport, 'type' | 'subject'>,
  revoked: RevokedActivations = {},
): Readonly<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const [key, importers] of Object.entries(revoked)) {
    const [revokedType, revokedSubject = ''] = key.split(' ')
    if (revokedType !== type || !overlaps(revokedSubject, subject)) continue
    for (const [importer, until] of Object.entries(importers)) {
      found[importer] = Math.max(until, found[importer] ?? 0)
    }
  }
  return found
}

/**
 * The first second in which something may be issued again: what is issued in the second of a revocation is revoked
 * (reference B.3). `*` as importer: to whomever.
 */
export function issuableFrom(revocations: Readonly<Record<string, number>>, importer: string): number {
  const counted = Object.entries(revocations).flatMap(([who, until]) =>
    importer === EVERYONE || who === EVERYONE || who === importer ? [until] : [],
  )
  return Math.max(-1, ...counted) + 1
}

/** Does what was issued to the account in that second hold no more? */
export function isRevoked(
  revocations: Readonly<Record<string, number>>,
  { importer, issuedAt }: { readonly importer: string; readonly issuedAt: number },
): boolean {
  return issuedAt < issuableFrom(revocations, importer)
}

/** The export that gives a subject, if one does. */
export function exportOf(
  exports: readonly AccountExport[] = [],
  { type, subject }: { readonly type: SubjectKind; readonly subject: string },
): AccountExport | undefined {
  return exports.find((one) => one.type === type && covers(one.subject, subject))
}
