import { z } from 'zod'
import type { Account } from '../domain/account.ts'
import { nameFault } from '../domain/name.ts'
import { accountKey, userKey, usernameFilter, type UserReference } from '../domain/state-keys.ts'
import type { User } from '../domain/user.ts'
import { GatehouseError } from '../errors.ts'
import { accountReference } from './account.ts'
import { accounts, users } from './aggregates.ts'
import type { Scene } from './command.ts'
import { boundOf } from './delegation.ts'
import { accountNamed, ifThere, userNamed } from './lookup.ts'

/** A user as people say it: by its name where one account has somebody of that name, else with its account. */

/** So many accounts may have somebody of one name before they are not told one by one. */
const NAMESAKES_MAX = 10

export const userInWords = {
  user: z
    .string()
    .superRefine((text, context) => {
      const rule = referenceFault(text)
      if (rule !== undefined) context.addIssue({ code: 'custom', message: rule })
    })
    .describe('Its name, or ACCOUNT/NAME where several accounts have one of that name.'),
  account: accountReference
    .optional()
    .describe('Its account. Absent: the one that has somebody of that name.'),
}

function referenceFault(text: string): string | undefined {
  const parts = text.split('/')
  return parts.length > 2
    ? 'must be NAME or ACCOUNT/NAME'
    : parts.map(nameFault).find((rule) => rule !== undefined)
}

export interface Found {
  readonly account: Account
  readonly user: User
}

/** Throws `not_found`, `invalid_request` where several accounts have one of that name, and `forbidden`. */
export async function userMeant(
  { tx, store, reach }: Scene,
  { user: words, account: named }: { readonly user: string; readonly account?: string | undefined },
): Promise<Found> {
  const bound = boundOf(reach)
  const slash = words.indexOf('/')
  const [name, prefix] = [words.slice(slash + 1), slash === -1 ? undefined : words.slice(0, slash)]
  const place = named ?? prefix ?? bound
  if (place !== undefined) {
    const account =
      bound === undefined ? await accountNamed(tx, place) : await ifThere(accountNamed(tx, place))
    if (account === undefined || (bound !== undefined && account.id !== bound)) throw notThere(name)
    if (prefix !== undefined && prefix !== account.name && prefix !== account.id) throw elsewhere()
    return { account, user: await userNamed(tx, account, name) }
  }
  const { entries } = await store.page(usernameFilter(name), { after: 0, limit: NAMESAKES_MAX })
  const namesakes: Found[] = []
  for (const { value } of entries) {
    const { account: id, user: userId } = value as UserReference
    const account = await tx.load(accounts, accountKey(id))
    const user = await tx.load(users, userKey(id, userId))
    if (account.status === 'present' && user.status === 'present') namesakes.push({ account, user })
  }
  const [only, ...others] = namesakes
  if (only === undefined) throw notThere(name)
  if (others.length === 0) return only
  const where = namesakes.map(({ account }) => `${account.name}/${name}`).join(', ')
  const rule = `several accounts have a user of that name: say which, as ${where}`
  throw new GatehouseError('invalid_request', rule, { faults: [{ where: 'user', rule }] })
}

function elsewhere(): GatehouseError {
  const rule = 'must be the account that the user is said to be in'
  return new GatehouseError('invalid_request', `account: ${rule}`, { faults: [{ where: 'account', rule }] })
}

/** The same words whether somebody of that name is elsewhere or nowhere. */
function notThere(name: string): GatehouseError {
  return new GatehouseError('not_found', `there is no user "${name}"`)
}
