import { z } from 'zod'
import type { Account, AccountCommand } from '../domain/account.ts'
import { accountKey, EVERY_ACCOUNT } from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import { accountReference } from './account.ts'
import { accounts } from './aggregates.ts'
import { accountId, accountSeen, pageOf } from './answers.ts'
import { command, type Scene, type Untimed } from './command.ts'
import { instant, name, reason } from './fields.ts'
import { listing, paging } from './listing.ts'
import { accountNamed, policyNamed } from './lookup.ts'
import { seenAccount } from './seen.ts'

/** What an account is, and whether anybody of it may still connect. */

const which = { account: accountReference }

const getAccount = command({
  name: 'account.get',
  summary: 'Shows an account.',
  access: 'account',
  request: z.strictObject(which),
  response: z.object({ account: accountSeen }),
  example: { account: 'ORDERS' },
  async handle({ account }, { tx, now }) {
    const found = await accountNamed(tx, account)
    await tx.regard(accountKey(found.id))
    return { account: await seenAccount(tx, found, now().getTime()) }
  },
})

const listAccounts = command({
  name: 'account.list',
  summary: 'Lists the accounts, a page at a time.',
  access: 'admin',
  request: z.strictObject(paging),
  response: pageOf(accountSeen),
  example: { limit: 50 },
  async handle(page, { tx, store, now }) {
    const nowMs = now().getTime()
    const see = ({ value }: { readonly value: unknown }) => seenAccount(tx, value as Account, nowMs)
    return listing(store, { ...page, filter: EVERY_ACCOUNT }, see)
  },
})

const suspendAccount = command({
  name: 'account.suspend',
  summary: 'Lets nobody of an account connect until it is reactivated.',
  access: 'admin',
  request: z.strictObject({ ...which, reason }),
  response: accountId,
  example: { account: 'ORDERS', reason: 'unpaid since May' },
  handle: ({ account, reason }, scene) => change(scene, account, { type: 'account.suspend', reason }),
})

const reactivateAccount = command({
  name: 'account.reactivate',
  summary: 'Ends the suspension of an account.',
  access: 'admin',
  request: z.strictObject(which),
  response: accountId,
  example: { account: 'ORDERS' },
  handle: ({ account }, scene) => change(scene, account, { type: 'account.reactivate' }),
})

const setExpiry = command({
  name: 'account.set-expiry',
  summary: 'Says from when on nobody of an account may connect.',
  access: 'admin',
  request: z.strictObject({ ...which, expiresAt: instant.optional().describe('Absent: never.') }),
  response: accountId,
  example: { account: 'ORDERS', expiresAt: '2027-01-31T12:00:00Z' },
  handle: ({ account, expiresAt }, scene) =>
    change(scene, account, { type: 'account.set-expiry', expiresAt }),
})

const setBoundaryPolicy = command({
  name: 'account.set-boundary-policy',
  summary: 'Names the policy that caps everybody of an account.',
  access: 'admin',
  request: z.strictObject({ ...which, policy: name.optional().describe('Absent: none.') }),
  response: accountId,
  example: { account: 'ORDERS', policy: 'developer' },
  async handle({ account, policy }, scene) {
    const found = await accountNamed(scene.tx, account)
    const id = policy === undefined ? undefined : (await policyNamed(scene.tx, found, policy)).id
    return change(scene, account, { type: 'account.set-boundary-policy', policy: id })
  },
})

/** The accounts that Gatehouse itself and its admins live in cannot be taken away from them. */
async function change({ tx }: Scene, name: string, what: Untimed<AccountCommand>) {
  const found = await accountNamed(tx, name)
  if (found.role !== 'tenant') {
    throw new GatehouseError('forbidden', `account "${found.name}" carries the system: it cannot be barred`)
  }
  await tx.execute(accounts, accountKey(found.id), { ...what, at: tx.context.at })
  return { account: found.id }
}

export const accountLifeCommands = {
  getAccount,
  listAccounts,
  suspendAccount,
  reactivateAccount,
  setExpiry,
  setBoundaryPolicy,
}
