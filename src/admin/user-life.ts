import { z } from 'zod'
import { inboxPrefixOf } from '../domain/entries.ts'
import { roleKey, userKey, usersFilter } from '../domain/state-keys.ts'
import type { User, UserCommand } from '../domain/user.ts'
import { accountReference } from './account.ts'
import { roles, users } from './aggregates.ts'
import { inboxPrefix, pageOf, userId, userSeen } from './answers.ts'
import { command, type Scene, type Untimed } from './command.ts'
import { instant, name, reason } from './fields.ts'
import { listing, paging } from './listing.ts'
import { accountNamed, roleNamed, userNamed } from './lookup.ts'
import { seenUser } from './seen.ts'
import { countUser } from './user-count.ts'
import type { Transaction } from './transaction.ts'

/** Who a user is, and whether it may still connect. */

const whose = { account: accountReference, user: name }
type Whose = z.output<z.ZodObject<typeof whose>>

const getUser = command({
  name: 'user.get',
  summary: 'Shows a user.',
  access: 'account',
  request: z.strictObject(whose),
  response: z.object({ user: userSeen.extend({ inboxPrefix }) }),
  example: { account: 'ORDERS', user: 'bob@example.com' },
  async handle({ account, user }, scene) {
    const { tx } = scene
    const found = await userNamed(tx, await accountNamed(tx, account), user)
    await tx.regard(userKey(found.account, found.id))
    const seen = await seenUser(scene, found)
    return { user: { ...seen, inboxPrefix: inboxPrefixOf(found) } }
  },
})

const listUsers = command({
  name: 'user.list',
  summary: 'Lists the users of an account, a page at a time.',
  access: 'account',
  request: z.strictObject({ account: accountReference, ...paging }),
  response: pageOf(userSeen),
  example: { account: 'ORDERS', limit: 50 },
  async handle({ account, ...page }, scene) {
    const { id } = await accountNamed(scene.tx, account)
    return listing(scene.store, { ...page, filter: usersFilter(id) }, ({ value }) =>
      seenUser(scene, value as User),
    )
  },
})

const lockUser = command({
  name: 'user.lock',
  summary: 'Locks a user out until it is unlocked.',
  access: 'account',
  request: z.strictObject({ ...whose, reason }),
  response: userId,
  example: { account: 'ORDERS', user: 'bob@example.com', reason: 'left the company' },
  handle: ({ reason, ...names }, scene) => change(scene, names, { type: 'user.lock', reason }),
})

const unlockUser = command({
  name: 'user.unlock',
  summary: 'Lets a locked user connect again.',
  access: 'account',
  request: z.strictObject(whose),
  response: userId,
  example: { account: 'ORDERS', user: 'bob@example.com' },
  handle: (names, scene) => change(scene, names, { type: 'user.unlock' }),
})

const setExpiry = command({
  name: 'user.set-expiry',
  summary: 'Says from when on a user may no longer connect.',
  access: 'account',
  request: z.strictObject({ ...whose, expiresAt: instant.optional().describe('Absent: never.') }),
  response: userId,
  example: { account: 'ORDERS', user: 'bob@example.com', expiresAt: '2027-01-31T12:00:00Z' },
  handle: ({ expiresAt, ...names }, scene) => change(scene, names, { type: 'user.set-expiry', expiresAt }),
})

const deleteUser = command({
  name: 'user.delete',
  summary: 'Deletes a user with its credentials.',
  access: 'account',
  request: z.strictObject(whose),
  response: userId,
  example: { account: 'ORDERS', user: 'bob@example.com' },
  async handle(names, scene) {
    await countUser(scene, await accountNamed(scene.tx, names.account), -1)
    return change(scene, names, { type: 'user.delete' })
  },
})

const revokeCredential = command({
  name: 'user.revoke-credential',
  summary: 'Takes a credential from a user, for good.',
  access: 'account',
  request: z.strictObject({ ...whose, credential: z.string().min(1).max(64), reason: reason.optional() }),
  response: userId,
  example: {
    account: 'ORDERS',
    user: 'bob@example.com',
    credential: '01JQ4M9T7B8W5ZXCV2K3N6R0AY',
    reason: 'laptop lost',
  },
  handle: ({ credential, reason, ...names }, scene) =>
    change(scene, names, { type: 'user.revoke-credential', credential, reason }),
})

const assignRole = command({
  name: 'user.assign-role',
  summary: 'Gives a user a role.',
  access: 'account',
  request: z.strictObject({ ...whose, role: name }),
  response: userId,
  example: { account: 'ORDERS', user: 'bob@example.com', role: 'on-call' },
  handle: ({ role, ...names }, scene) => changeRole(scene, { ...names, role }, 'user.assign-role'),
})

const removeRole = command({
  name: 'user.remove-role',
  summary: 'Takes a role from a user.',
  access: 'account',
  request: z.strictObject({ ...whose, role: name }),
  response: userId,
  example: { account: 'ORDERS', user: 'bob@example.com', role: 'on-call' },
  handle: ({ role, ...names }, scene) => changeRole(scene, { ...names, role }, 'user.remove-role'),
})

async function changeRole(
  { tx, ...scene }: Scene,
  names: Whose & { readonly role: string },
  type: 'user.assign-role' | 'user.remove-role',
) {
  const account = await accountNamed(tx, names.account)
  const user = await userNamed(tx, account, names.user)
  const held = type === 'user.remove-role' ? await heldRole(tx, user, names.role) : undefined
  const role = held ?? (await roleNamed(tx, account, names.role)).id
  return change({ tx, ...scene }, names, { type, role })
}

/** What the user holds under that name, even if by now the name leads to another role. */
async function heldRole(tx: Transaction, user: User, name: string): Promise<string | undefined> {
  const loaded = await Promise.all(user.roles.map((id) => tx.load(roles, roleKey(id))))
  return loaded.flatMap((role) => (role.status === 'present' && role.name === name ? [role.id] : []))[0]
}

async function change({ tx }: Scene, { account, user }: Whose, what: Untimed<UserCommand>) {
  const found = await userNamed(tx, await accountNamed(tx, account), user)
  await tx.execute(users, userKey(found.account, found.id), { ...what, at: tx.context.at })
  return { user: found.id }
}

export const userLifeCommands = {
  getUser,
  listUsers,
  lockUser,
  unlockUser,
  setExpiry,
  deleteUser,
  revokeCredential,
  assignRole,
  removeRole,
}
