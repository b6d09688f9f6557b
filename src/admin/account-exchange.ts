import { z } from 'zod'
import type { Account, AccountCommand } from '../domain/account.ts'
import {
  EVERYONE,
  issuableFrom,
  revokedOf,
  type AccountExport,
  type AccountImport,
} from '../domain/exchange.ts'
import { accountKey } from '../domain/state-keys.ts'
import { covers } from '../domain/subject.ts'
import { GatehouseError, type Fault } from '../errors.ts'
import { accountReference } from './account.ts'
import { importFaults } from './account-imports.ts'
import { accounts } from './aggregates.ts'
import { accountId } from './answers.ts'
import { command, type Scene, type Untimed } from './command.ts'
import { accountExports, accountImports, type WrittenImport } from './exchange-fields.ts'
import { faulty, refuseFaults } from './faults.ts'
import { duration } from './fields.ts'
import { refuseImported } from './imported.ts'
import { accountIfThere, isAccountId, openAccountNamed } from './lookup.ts'

/** What accounts give each other, and take back. */

const which = { account: accountReference }

const updateExports = command({
  name: 'account.update-exports',
  summary: 'Replaces what an account exports to others.',
  access: 'admin',
  request: z.strictObject({
    ...which,
    exports: accountExports,
    force: z.boolean().default(false).describe('Also when other accounts import what is no longer given.'),
  }),
  response: accountId,
  example: {
    account: 'ORDERS',
    exports: [{ subject: 'orders.events.>', type: 'stream', access: 'private' }],
  },
  async handle({ account, exports, force }, scene) {
    const found = await openAccountNamed(scene.tx, account)
    if (!force) await refuseImported(scene.store, found, exports)
    return change(scene, found, { type: 'account.update-exports', exports })
  },
})

const updateImports = command({
  name: 'account.update-imports',
  summary: 'Replaces what an account imports from others.',
  access: 'admin',
  request: z.strictObject({ ...which, imports: accountImports }),
  response: accountId,
  example: {
    account: 'ANALYTICS',
    imports: [{ account: 'ORDERS', subject: 'orders.events.>', type: 'stream', token: 'eyJ0eXAiOi…' }],
  },
  async handle({ account, imports }, scene) {
    const found = await openAccountNamed(scene.tx, account)
    const resolved = await resolve(scene, imports)
    refuseFaults(await importFaults(scene, found, resolved))
    return change(scene, found, { type: 'account.update-imports', imports: resolved })
  },
})

const exportReference = z
  .string()
  .min(1)
  .max(1_024)
  .describe('An export of the account, by its subject or its name.')

const createActivation = command({
  name: 'account.create-activation',
  summary: 'Signs the right of another account to import a private export.',
  access: 'admin',
  request: z.strictObject({
    ...which,
    export: exportReference,
    for: accountReference.describe('The importing account: its name, or its A… key.'),
    subject: z.string().min(1).max(1_024).optional().describe('Less than the export: a subject within it.'),
    ttl: duration.optional().describe('How long it is valid. Absent: until it is revoked.'),
  }),
  response: accountId.extend({ activation: z.string().describe('A JWT, the token of the import.') }),
  example: { account: 'ORDERS', export: 'orders.events.>', for: 'ANALYTICS', ttl: '90d' },
  async handle({ account, export: reference, for: other, subject, ttl }, scene) {
    const { tx, jwts } = scene
    const found = await openAccountNamed(tx, account)
    const given = exportNamed(found, reference)
    const importer = await importerOf(scene, other)
    refuseFaults(activationFaults(given, subject))
    const nowSeconds = Math.floor(Date.parse(tx.context.at) / 1_000)
    const issuedAt = Math.max(nowSeconds, issuableFrom(revokedOf(given, found.revokedActivations), importer))
    const expiresAt = ttl === undefined ? undefined : nowSeconds + Math.ceil(ttl / 1_000)
    const activation = { importer, type: given.type, subject: subject ?? given.subject, issuedAt, expiresAt }
    const { type: exportType, ...told } = activation
    await tx.execute(accounts, accountKey(found.id), {
      ...told,
      exportType,
      type: 'account.create-activation',
      at: tx.context.at,
    })
    return { account: found.id, activation: await jwts.signActivation(found, activation) }
  },
})

const revokeActivation = command({
  name: 'account.revoke-activation',
  summary: 'Takes back every activation of an export issued so far, from one account or from everyone.',
  access: 'admin',
  request: z
    .strictObject({
      ...which,
      export: exportReference,
      for: accountReference.optional().describe('The account that loses it. Absent: say everyone.'),
      everyone: z.literal(true).optional().describe('Every account loses it.'),
    })
    .superRefine((asked, context) => {
      if ((asked.for === undefined) !== (asked.everyone === undefined)) return
      context.addIssue({ code: 'custom', path: ['for'], message: 'is missing: say for, or everyone: true' })
    }),
  response: accountId,
  example: { account: 'ORDERS', export: 'orders.events.>', for: 'ANALYTICS' },
  async handle({ account, export: reference, for: other }, scene) {
    const found = await openAccountNamed(scene.tx, account)
    const given = exportNamed(found, reference)
    const { type: exportType, subject } = given
    const importer = other === undefined ? EVERYONE : await importerOf(scene, other)
    const nowSeconds = Math.floor(Date.parse(scene.tx.context.at) / 1_000)
    // What was issued right after the last revocation bears the second after it, which may not have come yet.
    const until = Math.max(nowSeconds, issuableFrom(revokedOf(given, found.revokedActivations), importer))
    return change(scene, found, { type: 'account.revoke-activation', exportType, subject, importer, until })
  },
})

/** The account with the change, unless servers would not take or not do it. */
async function change(scene: Scene, { id }: Account, what: Untimed<AccountCommand>) {
  const { tx } = scene
  const after = await tx.execute(accounts, accountKey(id), { ...what, at: tx.context.at })
  if (after.status === 'present') refuseFaults(scene.jwts.faults(after))
  return { account: id }
}

async function resolve(scene: Scene, imports: readonly WrittenImport[]): Promise<readonly AccountImport[]> {
  const faults: Fault[] = []
  const resolved: AccountImport[] = []
  for (const [i, one] of imports.entries()) {
    const found = await keyOf(scene, one.account)
    if ('rule' in found) faults.push({ where: `imports[${i}].account`, rule: found.rule })
    else resolved.push({ ...one, account: found.key })
  }
  refuseFaults(faults)
  return resolved
}

/** The key of an account by its name, or as it is given: the account may be another operator's. */
async function keyOf(
  { tx, keys }: Scene,
  reference: string,
): Promise<{ readonly key: string } | { readonly rule: string }> {
  if (isAccountId(reference)) {
    const rule = keys.publicKeyFault(reference, 'account')
    return rule === undefined ? { key: reference } : { rule }
  }
  const account = await accountIfThere(tx, reference)
  return account === undefined ? { rule: `there is no account "${reference}"` } : { key: account.id }
}

/** The key of the account that the field `for` names. */
async function importerOf(scene: Scene, reference: string): Promise<string> {
  const found = await keyOf(scene, reference)
  if ('key' in found) return found.key
  throw faulty([{ where: 'for', rule: found.rule }])
}

function exportNamed({ exports = [], name }: Account, reference: string): AccountExport {
  const bySubject = exports.filter(({ subject }) => subject === reference)
  const found = bySubject.length > 0 ? bySubject : exports.filter((one) => one.name === reference)
  const [only] = found
  if (only === undefined || found.length > 1) {
    const what = only === undefined ? 'has no' : 'has more than one'
    throw new GatehouseError('not_found', `account "${name}" ${what} export "${reference}"`)
  }
  return only
}

function activationFaults(given: AccountExport, subject: string | undefined): readonly Fault[] {
  if (given.access === 'public') return [{ where: 'export', rule: 'is public: it needs no activation' }]
  if (subject === undefined || covers(given.subject, subject)) return []
  return [{ where: 'subject', rule: `must lie within "${given.subject}"` }]
}

export const accountExchangeCommands = { updateExports, updateImports, createActivation, revokeActivation }
