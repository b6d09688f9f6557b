import {
  accountKey,
  deletedKey,
  EVERY_DELETED,
  policyKey,
  policyNamesFilter,
  roleKey,
  roleNamesFilter,
  sealedKey,
  userCountKey,
  userKey,
  usersFilter,
} from '../domain/state-keys.ts'
import type { User } from '../domain/user.ts'
import { RevisionConflict } from '../errors.ts'
import { importersOf, type Tombstone } from './account-delete.ts'
import { accounts, policies, roles, users } from './aggregates.ts'
import type { StateStore, Stored } from './state-store.ts'
import { Transaction, type CommandContext } from './transaction.ts'

/** Takes from the servers what they hold of an account. Both may be repeated, and throw `unavailable`. */
export interface ServerRemains {
  /** Ends its connections and takes its JWT out of every resolver. Says whether any had one. */
  forget(account: string): Promise<boolean>
  /** Deletes its streams with everything in them. */
  purge(account: string): Promise<void>
}

export interface Clearing {
  readonly store: StateStore
  readonly servers: ServerRemains
  /** Of a deletion that follows from the one with this correlation id. */
  readonly context: (correlationId: string) => CommandContext
  readonly onError: (error: unknown, account: string) => void
}

/** A user has at most some 160 keys and a batch has room for a thousand. */
const USERS_PER_COMMIT = 5
const PAGE = 100

/**
 * Brings what is left of deleted accounts to nothing: on any replica, again and again, whatever was interrupted. A
 * tombstone goes only with a pass that found nothing to do, so that what came in at the last moment (a user made at
 * the same time, a JWT pushed by a replica that had not heard yet) is found by the next one.
 */
export async function clearRemains(clearing: Clearing): Promise<void> {
  const { entries } = await clearing.store.page(EVERY_DELETED, { after: 0, limit: PAGE })
  for (const { value } of entries) {
    const tombstone = value as Tombstone
    try {
      await clear(clearing, tombstone)
    } catch (error) {
      // Another replica is at it, too: what it leaves is seen next time.
      if (!(error instanceof RevisionConflict)) clearing.onError(error, tombstone.account.name)
    }
  }
}

async function clear(clearing: Clearing, tombstone: Tombstone): Promise<void> {
  const { servers } = clearing
  const { id } = tombstone.account
  const wasHeld = await servers.forget(id) // First, so that nobody is left to make a stream.
  const done = [
    wasHeld,
    await clearUsers(clearing, tombstone),
    await clearOwned(clearing, tombstone),
    await clearImports(clearing, tombstone),
    await clearKeys(clearing, tombstone),
  ]
  // Last, for it may take its time: servers look for the account they have just forgotten.
  if (wasHeld || !tombstone.purged) await servers.purge(id)
  const isNothingLeft = tombstone.purged && !done.includes(true)
  if (tombstone.purged && !isNothingLeft) return
  const tx = begin(clearing, tombstone)
  tx.set(deletedKey(id), isNothingLeft ? undefined : { ...tombstone, purged: true })
  await tx.commit()
}

/** Each says whether there was anything to do. */
async function clearUsers(clearing: Clearing, tombstone: Tombstone): Promise<boolean> {
  const filter = usersFilter(tombstone.account.id)
  return untilEmpty(clearing.store, { filter, atOnce: USERS_PER_COMMIT }, async (found) => {
    const tx = begin(clearing, tombstone)
    for (const { value } of found) {
      const { account, id } = value as User
      await tx.execute(users, userKey(account, id), { type: 'user.delete', at: tx.context.at })
    }
    await tx.commit()
  })
}

async function clearOwned(clearing: Clearing, tombstone: Tombstone): Promise<boolean> {
  const { id } = tombstone.account
  const wereRoles = await untilEmpty(
    clearing.store,
    { filter: roleNamesFilter(id), atOnce: 1 },
    async (found) => {
      const tx = begin(clearing, tombstone)
      for (const { value } of found)
        await tx.execute(roles, roleKey(value as string), { type: 'role.delete', at: tx.context.at })
      await tx.commit()
    },
  )
  const filter = policyNamesFilter(id)
  const werePolicies = await untilEmpty(clearing.store, { filter, atOnce: 1 }, async (found) => {
    const tx = begin(clearing, tombstone)
    for (const { value } of found)
      await tx.execute(policies, policyKey(value as string), { type: 'policy.delete', at: tx.context.at })
    await tx.commit()
  })
  return wereRoles || werePolicies
}

async function clearImports(clearing: Clearing, tombstone: Tombstone): Promise<boolean> {
  const { id } = tombstone.account
  const importers = await importersOf(clearing.store, id)
  for (const importer of importers) {
    const tx = begin(clearing, tombstone)
    const present = await tx.load(accounts, accountKey(importer.id))
    if (present.status === 'absent') continue
    const imports = (present.imports ?? []).filter(({ account }) => account !== id)
    const change = { type: 'account.update-imports', imports, at: tx.context.at } as const
    await tx.execute(accounts, accountKey(importer.id), change)
    await tx.commit()
  }
  return importers.length > 0
}

async function clearKeys(clearing: Clearing, tombstone: Tombstone): Promise<boolean> {
  const { id, signingKeys } = tombstone.account
  const keys = [sealedKey(id), ...signingKeys.map(({ publicKey }) => sealedKey(publicKey)), userCountKey(id)]
  const tx = begin(clearing, tombstone)
  let wasAny = false
  for (const key of keys) {
    if ((await tx.get(key)) === undefined) continue
    tx.set(key, undefined)
    wasAny = true
  }
  await tx.commit()
  return wasAny
}

async function untilEmpty(
  store: StateStore,
  { filter, atOnce }: { readonly filter: string; readonly atOnce: number },
  remove: (found: readonly Stored[]) => Promise<void>,
): Promise<boolean> {
  let wasAny = false
  for (let after = 0; ; wasAny = true) {
    const { entries } = await store.page(filter, { after, limit: atOnce })
    if (entries.length === 0) return wasAny
    await remove(entries)
    after = entries.at(-1)?.revision ?? after
  }
}

function begin({ store, context }: Clearing, { correlationId }: Tombstone): Transaction {
  return new Transaction(store, context(correlationId))
}
