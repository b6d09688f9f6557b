import type { Account } from '../domain/account.ts'
import { exportOf, isRevoked, revokedOf, type AccountExport, type AccountImport } from '../domain/exchange.ts'
import { accountKey } from '../domain/state-keys.ts'
import { covers } from '../domain/subject.ts'
import type { Fault } from '../errors.ts'
import { accounts } from './aggregates.ts'
import type { Scene } from './command.ts'
import { isCircular, type Importing } from './import-cycles.ts'
import { isReserved } from './lookup.ts'

/**
 * Why servers would leave an import without effect, for all that is known here: what a managed account does not
 * export, or exports to others only. Of a foreign account nothing is known, and its servers will say.
 */
export async function importFaults(
  scene: Scene,
  importer: Account,
  imports: readonly AccountImport[],
): Promise<readonly Fault[]> {
  const faults = await Promise.all(
    imports.map(async (one, i) => {
      const { field, rule } = (await importFault(scene, { importer, imports }, one)) ?? {}
      return rule === undefined ? [] : [{ where: `imports[${i}].${field}`, rule }]
    }),
  )
  return faults.flat()
}

interface FieldRule {
  readonly field: keyof AccountImport
  readonly rule: string
}

async function importFault(
  scene: Scene,
  { importer, imports }: Importing,
  one: AccountImport,
): Promise<FieldRule | undefined> {
  if (one.account === importer.id) return { field: 'account', rule: 'must be another account' }
  const exporter = await scene.tx.load(accounts, accountKey(one.account))
  scene.tx.hold(await scene.tx.stored(accountKey(one.account))) // Or it is gone, or gives this no more, by then.
  if (exporter.status === 'absent') return undefined
  if (isReserved(exporter)) {
    return {
      field: 'account',
      rule: `account "${exporter.name}" belongs to Gatehouse, which gives what it gives`,
    }
  }
  const given = exportOf(exporter.exports, one)
  if (given === undefined) {
    return { field: 'subject', rule: `is not within any ${one.type} that account "${exporter.name}" exports` }
  }
  const { accountTokenPosition: place } = given
  if (place !== undefined && one.subject.split('.')[place - 1] !== importer.id) {
    return { field: 'subject', rule: `must have the key of the importing account as token ${place}` }
  }
  if (await isCircular(scene.tx, { importer, imports }, one)) {
    return { field: 'subject', rule: 'leads back to this account by imports of the other: a circle' }
  }
  if (given.access === 'public') return undefined
  const rule = activationFault(scene, { importer, exporter, given }, one)
  return rule === undefined ? undefined : { field: 'token', rule }
}

interface Border {
  readonly importer: Account
  readonly exporter: Account
  readonly given: AccountExport
}

/** As nats-server's `checkActivation`, with the rule that is broken. */
function activationFault(
  { jwts, tx }: Scene,
  { importer, exporter, given }: Border,
  { token, type, subject }: AccountImport,
): string | undefined {
  if (token === undefined) {
    return `is missing: the export is private, ask account "${exporter.name}" for an activation`
  }
  const activation = jwts.readActivation(token)
  if (activation === undefined) return 'must be an activation'
  const { signedBy, issuerAccount = signedBy } = activation
  const isSigner =
    signedBy === exporter.id || exporter.signingKeys.some(({ publicKey }) => publicKey === signedBy)
  if (issuerAccount !== exporter.id || !isSigner) {
    return `must be issued by account "${exporter.name}", with a key it has`
  }
  if (activation.importer !== importer.id) return `must be for account "${importer.name}"`
  if (activation.type !== type || !covers(activation.subject, subject)) {
    return `must be for this ${type} and cover its subject`
  }
  const nowSeconds = Date.parse(tx.context.at) / 1_000
  if ((activation.expiresAt ?? Infinity) <= nowSeconds) return 'has expired'
  if ((activation.notBefore ?? 0) > nowSeconds) return 'is not valid yet'
  const asked = { importer: importer.id, issuedAt: activation.issuedAt }
  return isRevoked(revokedOf(given, exporter.revokedActivations), asked) ? 'was revoked' : undefined
}
