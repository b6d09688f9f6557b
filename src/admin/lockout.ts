import { isIP } from 'node:net'
import { z } from 'zod'
import type { Lockout } from '../domain/lockout.ts'
import { sourceOf } from '../domain/source.ts'
import { accountKey, userKey } from '../domain/state-keys.ts'
import { accountReference } from './account.ts'
import { accounts, users } from './aggregates.ts'
import { named } from './answers.ts'
import { command, type Scene } from './command.ts'
import { boundOf } from './delegation.ts'
import { name } from './fields.ts'
import { paging } from './listing.ts'
import { accountNamed, userNamed } from './lookup.ts'
import type { View } from './transaction.ts'
import { userInWords, userMeant } from './user-reference.ts'

/** Whose passwords are not tried for a while, because too many were wrong. `user.lock` is something else: it stays. */

const source = z
  .string()
  .transform((text, context) => {
    const address = text.replace(/\/64$/, '')
    const isSource = isIP(address) !== 0 && !address.includes('%') && (address === text || text.includes(':'))
    if (isSource) return sourceOf(address)
    context.addIssue({ code: 'custom', message: 'must be an address such as 10.1.2.3, or fd00:1:2:3::/64' })
    return z.NEVER
  })
  .describe('An IPv4 address, or an IPv6 one, for which its /64 stands.')

const lockoutSeen = z.object({
  account: named.describe('Where the user is.'),
  user: named.describe('Whose passwords are not tried.'),
  source: z
    .string()
    .optional()
    .describe('From there. Absent: from everywhere, but not where the user logged in lately.'),
  failures: z.number().describe('How many passwords were wrong.'),
  since: z.string().describe('When it began.'),
  until: z.string().describe('When it ends.'),
  seconds: z.number().describe('How long that is from now.'),
})

const listLockouts = command({
  name: 'lockout.list',
  summary: 'Lists who is locked out by wrong passwords, since when and until when, oldest first.',
  access: 'account',
  request: z.strictObject({
    account: accountReference
      .optional()
      .describe('Of its users. Absent: of your own account; for admins of the system, of all.'),
    user: userInWords.user.optional().describe('Of one user: its name, or ACCOUNT/NAME. Absent: of all.'),
    ...paging,
  }),
  response: z.object({
    items: z.array(lockoutSeen).describe('One page of them.'),
    next: z.number().optional().describe('What the next request says as `after`; absent at the end.'),
  }),
  example: { account: 'ORDERS', user: 'alice@example.com' },
  async handle({ account, user, ...place }, scene) {
    const { tx, lockouts, now } = scene
    const found = await lockouts.page(await meant(scene, { account, user }), place)
    const nowMs = now().getTime()
    const items = await Promise.all(found.lockouts.map((lockout) => seen(tx, lockout, nowMs)))
    return { items, ...(found.next !== undefined && { next: found.next }) }
  },
})

async function meant(
  scene: Scene,
  { account, user }: { readonly account?: string | undefined; readonly user?: string | undefined },
): Promise<{ readonly account?: string; readonly user?: string }> {
  if (user !== undefined) {
    const found = await userMeant(scene, { user, account })
    return { account: found.account.id, user: found.user.id }
  }
  const id = account === undefined ? boundOf(scene.reach) : (await accountNamed(scene.tx, account)).id
  return id === undefined ? {} : { account: id }
}

async function seen(view: View, lockout: Lockout, nowMs: number): Promise<z.output<typeof lockoutSeen>> {
  const { user, name, source, failures, sinceMs, untilMs } = lockout
  const account = await view.load(accounts, accountKey(lockout.account))
  return {
    account: { id: lockout.account, name: account.status === 'present' ? account.name : lockout.account },
    user: { id: user, name },
    ...(source !== undefined && { source }),
    failures,
    since: new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    seconds: Math.max(0, Math.ceil((untilMs - nowMs) / 1_000)),
  }
}

const clearLockouts = command({
  name: 'lockout.clear',
  summary: 'Ends the lockouts of a user, or the one from a source, and forgets its wrong passwords.',
  access: 'account',
  request: z.strictObject({
    account: accountReference,
    user: name,
    source: source.optional().describe('Only the one from there. Absent: all.'),
  }),
  response: z.object({
    user: z.string().describe('The id of the user.'),
    cleared: z.number().describe('How many lockouts it had.'),
  }),
  example: { account: 'ORDERS', user: 'alice@example.com', source: '10.1.2.3' },
  async handle({ account, user, source }, { tx, lockouts }) {
    const found = await userNamed(tx, await accountNamed(tx, account), user)
    const change = { type: 'user.clear-lockouts', source, at: tx.context.at } as const
    await tx.execute(users, userKey(found.account, found.id), change)
    const cleared = await lockouts.release({ account: found.account, user: found.id }, source)
    return { user: found.id, cleared }
  },
})

export const lockoutCommands = { listLockouts, clearLockouts }
