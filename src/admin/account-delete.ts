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
import type { StateStore } from './state-store.ts'

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

async function refuseUsedAccount({ store, servers }: Scene, { id, name }: Account): Promise<void> {
  const has: string[] = []
  if (await isAny(store, usersFilter(id))) has.push('users')
  if (await isAny(store, policyNamesFilter(id))) has.push('policies')
  if (await isAny(store, roleNamesFilter(id))) has.push('roles')
  if ((await importersOf(store, id)).length > 0) has.push('accounts that import from it')
  if (has.length === 0 && (await servers.streamsOf(id)) > 0) has.push('streams')
  if (has.length === 0) return
  throw new GatehouseError(
    'in_use',
    `account "${name}" has ${has.join(', ')}: delete them first, or say force: true`,
  )
}

async function isAny(store: StateStore, filter: string): Promise<boolean> {
  return (await store.page(filter, { after: 0, limit: 1 })).entries.length > 0
}

/** Every account that imports something of this one. */
export async function importersOf(store: StateStore, id: string): Promise<readonly Account[]> {
  const found: Account[] = []
  let after: number | undefined = 0
  while (after !== undefined) {
    const { entries, next } = await store.page(EVERY_ACCOUNT, { after, limit: PAGE })
    const read = entries.map(({ value }) => value as Account)
    found.push(...read.filter(({ imports = [] }) => imports.some(({ account }) => account === id)))
    after = next
  }
  return found
}

export const accountDeleteCommands = { deleteAccount }
