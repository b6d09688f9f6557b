import type { Account } from '../domain/account.ts'
import { accountKey, userCountKey, usersFilter } from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import type { Scene } from './command.ts'
import type { StateStore } from './state-store.ts'

const PAGE = 500

/**
 * Keeps `limits.users` of an account: one more user, or one less, counted in the commit that makes or deletes it, so
 * that of creations at the same time no more get through than there is room. An account without the limit is not
 * counted, for its commits would all wait for each other; when it gets one, its users are counted once. Throws
 * `limit_reached`.
 */
export async function countUser({ tx, store }: Scene, account: Account, change: 1 | -1): Promise<void> {
  tx.hold(await tx.stored(accountKey(account.id))) // Whether it has the limit must not change meanwhile.
  const { users: max } = account.limits
  if (max === undefined) return
  const key = userCountKey(account.id)
  const known = (await tx.get(key)) as { readonly count: number } | undefined
  const count = known?.count ?? (await usersIn(store, account.id))
  if (change > 0 && count >= max) {
    throw new GatehouseError(
      'limit_reached',
      `account "${account.name}" may have ${max} users, and has ${count}`,
    )
  }
  tx.set(key, { count: count + change })
}

async function usersIn(store: StateStore, account: string): Promise<number> {
  let count = 0
  let after: number | undefined = 0
  while (after !== undefined) {
    const page = await store.page(usersFilter(account), { after, limit: PAGE })
    count += page.entries.length
    after = page.next
  }
  return count
}
