import type { AccountImport } from '../domain/exchange.ts'
import { covers } from '../domain/subject.ts'
import { GatehouseError, type Fault } from '../errors.ts'
import { validateActivation } from './activation.ts'
import type { ActivationClaims, Import } from './claims.ts'
import { needKey, needSubject, needSubjectKind } from './faults.ts'
import { decode } from './token.ts'

/** Which account imports. */
export interface Importer {
  /** Public key. */
  readonly account: string
  readonly imports: readonly Import[]
}

/** A token `$1` of a local subject: the first `*` of the imported one. */
const REFERENCE = /^\$(\d+)$/

/** Notes every fault of an account's imports, each alone and all together (`Imports.Validate` of nats-io/jwt). */
export function checkImports(faults: Fault[], { account, imports }: Importer): void {
  imports.forEach((one, i) => checkImport(faults, `nats.imports[${i}]`, { ...one, importer: account }))
  const services = imports
    .map((one, i) => ({ one, i, local: localSubject(one) }))
    .filter(({ one }) => one.type === 'service')
  for (const { one, i, local } of services) {
    const other = services.find(
      (earlier) =>
        earlier.i < i &&
        earlier.one.account === one.account &&
        (covers(earlier.local, local) || covers(local, earlier.local)),
    )
    if (other === undefined) continue
    faults.push({
      where: `nats.imports[${i}]`,
      rule: `must not overlap nats.imports[${other.i}] of the same account`,
    })
  }
}

function checkImport(faults: Fault[], where: string, one: Import & { readonly importer: string }): void {
  needSubject(faults, `${where}.subject`, one.subject)
  needKey(faults, `${where}.account`, { text: one.account, kind: 'account' })
  needSubjectKind(faults, `${where}.type`, one.type)
  if (one.share && one.type !== 'service')
    faults.push({ where: `${where}.share`, rule: 'is for services only' })
  if (one.allow_trace && one.type !== 'stream')
    faults.push({ where: `${where}.allow_trace`, rule: 'is for streams only' })
  if (one.to) faults.push({ where: `${where}.to`, rule: 'is deprecated: use local_subject' })
  if (one.local_subject) checkLocalSubject(faults, `${where}.local_subject`, one)
  if (one.token) checkActivation(faults, `${where}.token`, one)
}

/** As `RenamingSubject.Validate`: every `*` of the subject comes back once, as a `*` or a reference. */
function checkLocalSubject(faults: Fault[], where: string, { subject, local_subject = '' }: Import): void {
  needSubject(faults, where, local_subject)
  const stars = subject.split('.').filter((token) => token === '*').length
  const tokens = local_subject.split('.')
  const references = tokens.map((token) => REFERENCE.exec(token)?.[1]).filter((index) => index !== undefined)
  if ((subject.split('.').at(-1) === '>') !== (tokens.at(-1) === '>')) {
    faults.push({ where, rule: 'must end in > if and only if the subject does' })
  }
  if (references.some((index) => Number(index) > stars)) {
    faults.push({ where, rule: 'must not reference a * that the subject does not have' })
  } else if (references.length + tokens.filter((token) => token === '*').length !== stars) {
    faults.push({ where, rule: 'must have a * or a reference for every * of the subject' })
  }
}

/** The activation is of the exporting account, for this one, for this import; its times are the server's business. */
function checkActivation(faults: Fault[], where: string, one: Import & { readonly importer: string }): void {
  const activation = decodeActivation(one.token ?? '')
  if (activation === undefined) {
    faults.push({ where, rule: 'must be an activation token' })
    return
  }
  const { iss, sub, nats } = activation
  if (iss !== one.account && nats.issuer_account !== one.account) {
    faults.push({ where, rule: 'must be issued by the account that is imported from' })
  }
  if (sub !== one.importer) faults.push({ where, rule: 'must be issued for this account' })
  if (nats.kind !== one.type) faults.push({ where, rule: 'must be for an import of this type' })
  if (!covers(nats.subject, one.subject)) faults.push({ where, rule: 'must cover the subject' })
  faults.push(
    ...validateActivation(activation).map((fault) => ({ ...fault, where: `${where}.${fault.where}` })),
  )
}

function decodeActivation(token: string): ActivationClaims | undefined {
  try {
    const decoded = decode(token)
    return decoded.type === 'activation' ? decoded.claims : undefined
  } catch (error) {
    if (error instanceof GatehouseError) return undefined
    throw error
  }
}

/** An import as the account's JWT says it. */
export function importClaims(one: AccountImport): Import {
  return {
    name: one.name ?? one.subject,
    subject: one.subject,
    account: one.account,
    type: one.type,
    ...(one.token !== undefined && { token: one.token }),
    local_subject: one.localSubject ?? one.subject,
    ...(one.share && { share: true }),
    ...(one.allowTrace && { allow_trace: true }),
  }
}

/** Where an import is found inside the importing account, with references as wildcards. */
export function localSubject({ subject, to, local_subject }: Import): string {
  const local = to ?? local_subject ?? subject
  return local
    .split('.')
    .map((token) => (REFERENCE.test(token) ? '*' : token))
    .join('.')
}
