import { z } from 'zod'
import type { Account } from '../domain/account.ts'
import {
  accountKey,
  deletedKey,
  EVERY_ACCOUNT,
  policyNamesFilter,
  roleNamesFilter,
  usersFilter,
} from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import { accountReference } from './account.ts'
import { accounts } from './aggregates.ts'
import { accountId } from './answers.ts'
import { command, type Scene } from './command.ts'
import { reason } from './fields.ts'
import { accountNamed } from './lookup.ts'
import type { Page, StateStore } from './state-store.ts'

/** What is kept of a deleted account until nothing else is left of it. */
export interface Tombstone {
  /** As it was. */
  readonly account: Account
  /** Goes into the events of what is deleted after it. */
  readonly correlationId: string
  /** Set once its streams are gone. */
  readonly purged: boolean
}

const PAGE = 500

const deleteAccount = command({
  name: 'account.delete',
  summary:
    'Deletes an account. With force: its users, policies, roles and streams, and imports from it, as well.',
  access: 'admin',
  request: z.strictObject({
    account: accountReference,
    force: z.boolean().default(false).describe('Also when it has users, streams, policies or roles.'),
    reason: reason.optional(),
  }),
  response: accountId,
  example: { account: 'TRIAL', reason: 'the trial is over' },
  async handle({ account, force, reason }, scene) {
    const { tx } = scene
    const found = await accountNamed(tx, account)
    if (found.role !== 'tenant') {
      throw new GatehouseError(
        'forbidden',
        `account "${found.name}" carries the system: it cannot be deleted`,
      )
    }
    if (!force) await refuseUsedAccount(scene, found)
    // One batch has room for a thousand keys, an account may have more: the rest goes by the tombstone.
    const { correlationId, at } = tx.context
    tx.set(deletedKey(found.id), { account: found, correlationId, purged: false } satisfies Tombstone)
    await tx.execute(accounts, accountKey(found.id), { type: 'account.delete', reason, at })
    return { account: found.id }
  },
})

async function refuseUsedAccount({ tx, store, servers }: Scene, { id, name }: Account): Promise<void> {
  const has: string[] = []
  if (await tx.anyOf(usersFilter(id))) has.push('users')
  if (await tx.anyOf(policyNamesFilter(id))) has.push('policies')
  if (await tx.anyOf(roleNamesFilter(id))) has.push('roles')
  const { importers, last } = await readImporters(store, id)
  if (importers.length > 0) has.push('accounts that import from it')
  tx.hold({ key: EVERY_ACCOUNT, revision: last })
  if (has.length === 0 && (await servers.streamsOf(id)) > 0) has.push('streams')
  if (has.length === 0) return
  throw new GatehouseError(
    'in_use',
    `account "${name}" has ${has.join(', ')}: delete them first, or say force: true`,
  )
}

/** Every account that imports something of this one. */
export async function importersOf(store: StateStore, id: string): Promise<readonly Account[]> {
  return (await readImporters(store, id)).importers
}

/** The same, with the revision up to which accounts were read. */
async function readImporters(store: StateStore, id: string) {
  const importers: Account[] = []
  let last = 0
  for (let after: number | undefined = 0; after !== undefined;) {
    const page: Page = await store.page(EVERY_ACCOUNT, { after, limit: PAGE })
    const read = page.entries.map(({ value }) => value as Account)
    importers.push(...read.filter(({ imports = [] }) => imports.some(({ account }) => account === id)))
    last = page.last
    after = page.next
  }
  return { importers, last }
}

export const accountDeleteCommands = { deleteAccount }
