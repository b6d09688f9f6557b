import { accountKey, roleKey, useFilter, userKey } from '../domain/state-keys.ts'
import { accounts, roles, users } from './aggregates.ts'
import type { Scene } from './command.ts'
import { boundOf } from './delegation.ts'

/** Users that are told by name. */
const NAMES_MAX = 20
const PAGE = 2_000

/** Who has a policy, as far as the caller may see: users and accounts of its own, and roles for everybody. */
export async function usersOf({ tx, store, reach }: Scene, policy: string) {
  const bound = boundOf(reach)
  const told = {
    users: 0,
    names: [] as string[],
    roles: [] as string[],
    defaultOf: [] as string[],
    boundaryOf: [] as string[],
  }
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = await store.page(useFilter('policy', policy), { after, limit: PAGE })
    for (const { key } of page.entries) {
      const [kind, first = '', second = ''] = key.split('.').slice(4)
      if (kind === 'role') await noteRole(first)
      else if (bound === undefined || bound === first)
        await (kind === 'user' ? noteUser(first, second) : noteAccount(first))
    }
    after = page.next
  }
  return told

  async function noteUser(account: string, id: string): Promise<void> {
    told.users += 1
    if (told.names.length === NAMES_MAX) return
    const [place, user] = [
      await tx.load(accounts, accountKey(account)),
      await tx.load(users, userKey(account, id)),
    ]
    if (place.status === 'present' && user.status === 'present') told.names.push(`${place.name}/${user.name}`)
  }

  async function noteRole(id: string): Promise<void> {
    const role = await tx.load(roles, roleKey(id))
    const isSeen =
      role.status === 'present' && (bound === undefined || role.scope === 'operator' || role.scope === bound)
    if (isSeen) told.roles.push(role.name)
  }

  async function noteAccount(id: string): Promise<void> {
    const account = await tx.load(accounts, accountKey(id))
    if (account.status === 'absent') return
    if (account.defaultPolicy === policy) told.defaultOf.push(account.name)
    if (account.boundaryPolicy === policy) told.boundaryOf.push(account.name)
  }
}
