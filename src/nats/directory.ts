import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { deferred, type Deferred, type NatsConnection } from '@nats-io/transport-node'
import type { Directory, Soon } from '../callout/directory.ts'
import type { Account } from '../domain/account.ts'
import type { Operator } from '../domain/operator.ts'
import type { Policy } from '../domain/policy.ts'
import type { Role } from '../domain/role.ts'
import {
  ACCOUNT_PREFIX,
  accountKey,
  EVERY_ACCOUNT,
  EVERY_POLICY,
  EVERY_ROLE,
  EVERY_SEALED,
  nkeyKey,
  OPERATOR_KEY,
  policyKey,
  roleKey,
  sealedKey,
  tokenKey,
  userKey,
  USER_PREFIX,
  usernameFilter,
  type UserReference,
} from '../domain/state-keys.ts'
import type { User } from '../domain/user.ts'
import { covers, type Seen } from '../sessions/seen.ts'
import { STATE_PREFIX, STATE_STREAM } from './buckets.ts'
import { CachedKeys, type CacheSizes } from './cached-keys.ts'
import { watch, type Change } from './watch.ts'

/** Less than a server waits for an answer: what comes later is of no use. */
const FETCH_MS_MAX = 1_500

/** What is kept in memory, and what is fetched: each is followed by a watch of its own. */
const RECORDS = [OPERATOR_KEY, EVERY_ACCOUNT, EVERY_POLICY, EVERY_ROLE]
const FETCHED = [`${USER_PREFIX}>`, 'index.>', EVERY_SEALED]

/** Which of the two watches tells of a key, as `Seen` calls them; `undefined` for what nobody follows. */
export function followedBy(key: string): keyof Seen | undefined {
  const [kind = ''] = key.split('.')
  if (['user', 'index', 'key'].includes(kind)) return 'users'
  return ['operator', 'account', 'policy', 'role'].includes(kind) ? 'records' : undefined
}

/**
 * What this replica knows: operator, accounts and policies in memory, users and what leads to them on first use
 * (architecture section 6). Memory and start-up do not grow with the number of users.
 */
export class KvDirectory implements Directory, AsyncDisposable {
  readonly #records = new Map<string, unknown>()
  readonly #users: CachedKeys
  readonly #watches: AsyncDisposable[] = []
  readonly #deletionListeners = new Set<(account: string) => void>()
  readonly #userDeletionListeners = new Set<(account: string, user: string) => void>()
  readonly #accountListeners = new Set<(account: Account) => void>()
  readonly #operatorListeners = new Set<(operator: Operator) => void>()
  readonly #manager: JetStreamManager
  readonly #changeListeners = new Set<(key: string, revision: number) => void>()
  #seen: Seen = { records: 0, users: 0 }
  /** Who waits until it has read so far. */
  readonly #waiting = new Map<Deferred<undefined>, Seen>()

  private constructor(manager: JetStreamManager, users: CachedKeys) {
    this.#manager = manager
    this.#users = users
  }

  /** Resolves when it knows everything it keeps in memory. */
  static async open(nc: NatsConnection, sizes: CacheSizes): Promise<KvDirectory> {
    const manager = await jetstreamManager(nc, { timeout: FETCH_MS_MAX })
    const users = new CachedKeys(manager, sizes)
    const directory = new KvDirectory(manager, users)
    const records = { keys: RECORDS, of: 'everything' } as const
    const looked = { keys: FETCHED, of: 'changes' } as const
    // First the changes: nothing may be fetched that nobody would be told of.
    directory.#watches.push(await watch(nc, looked, (change) => directory.#forget(change)))
    directory.#watches.push(await watch(nc, records, (change) => directory.#take(change)))
    return directory
  }

  get operator(): Operator | undefined {
    return this.#records.get(OPERATOR_KEY) as Operator | undefined
  }

  account(id: string): Account | undefined {
    return this.#records.get(accountKey(id)) as Account | undefined
  }

  policy(id: string): Policy | undefined {
    return this.#records.get(policyKey(id)) as Policy | undefined
  }

  role(id: string): Role | undefined {
    return this.#records.get(roleKey(id)) as Role | undefined
  }

  get accounts(): readonly Account[] {
    return [...this.#records].flatMap(([key, record]) =>
      key.startsWith(ACCOUNT_PREFIX) ? [record as Account] : [],
    )
  }

  /** How far it has read. */
  get seen(): Seen {
    return this.#seen
  }

  /** Calls with every key that has changed, once everything asked of the directory is answered anew. */
  onChange(listener: (key: string, revision: number) => void): void {
    this.#changeListeners.add(listener)
  }

  /** Resolves when it has read everything that is stored now. Throws when the leader of the stream does not answer. */
  async upToDate(): Promise<void> {
    const [records, users] = await Promise.all([this.#newest(RECORDS), this.#newest(FETCHED)])
    await this.hasRead({ records, users })
  }

  /** Resolves when it has read so far. */
  async hasRead(wanted: Seen): Promise<void> {
    if (covers(this.#seen, wanted)) return
    const reached = deferred<undefined>()
    this.#waiting.set(reached, wanted)
    await reached
  }

  /** Calls for every account that is stored anew from now on. */
  onAccount(listener: (account: Account) => void): void {
    this.#accountListeners.add(listener)
  }

  /** Calls for the operator whenever it is stored anew from now on. */
  onOperator(listener: (operator: Operator) => void): void {
    this.#operatorListeners.add(listener)
  }

  /** Calls with the key of every account that is deleted from now on. */
  onAccountDeleted(listener: (account: string) => void): void {
    this.#deletionListeners.add(listener)
  }

  /** Calls with the account and the id of every user that is deleted from now on. */
  onUserDeleted(listener: (account: string, user: string) => void): void {
    this.#userDeletionListeners.add(listener)
  }

  user(account: string, id: string): Soon<User | undefined> {
    return this.#users.get(userKey(account, id)) as Soon<User | undefined>
  }

  userByToken(hash: string): Soon<User | undefined> {
    return this.#userAt(this.#users.get(tokenKey(hash)) as Soon<UserReference | undefined>)
  }

  userByNkey(publicKey: string): Soon<User | undefined> {
    return this.#userAt(this.#users.get(nkeyKey(publicKey)) as Soon<UserReference | undefined>)
  }

  async usersNamed(name: string): Promise<readonly User[]> {
    const references = await this.#users.find(usernameFilter(name))
    const users = await Promise.all(
      [...references.values()].map(async (found) => this.#userAt(found as UserReference)),
    )
    return users.filter((user) => user !== undefined)
  }

  /** A seed as it is stored, sealed. */
  sealed(publicKey: string): Soon<unknown> {
    return this.#users.get(sealedKey(publicKey))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#watches.map((each) => each[Symbol.asyncDispose]()))
  }

  #userAt(reference: Soon<UserReference | undefined>): Soon<User | undefined> {
    if (reference instanceof Promise) return reference.then((found) => this.#userAt(found))
    return reference && this.user(reference.account, reference.user)
  }

  async #newest(filters: readonly string[]): Promise<number> {
    const stored = await Promise.all(
      filters.map((filter) =>
        this.#manager.streams.getMessage(STATE_STREAM, { last_by_subj: `${STATE_PREFIX}${filter}` }),
      ),
    )
    return Math.max(0, ...stored.map((message) => message?.seq ?? 0))
  }

  #forget({ key, revision, isDeleted }: Change): void {
    this.#users.forget(key, revision)
    const [, account = '', user = ''] = key.split('.')
    if (isDeleted && key.startsWith(USER_PREFIX))
      for (const listener of this.#userDeletionListeners) listener(account, user)
    this.#tell(key, { ...this.#seen, users: revision }, revision)
  }

  #take({ key, value, revision }: Change): void {
    if (value === undefined) this.#records.delete(key)
    else this.#records.set(key, value)
    if (value !== undefined && key.startsWith(ACCOUNT_PREFIX)) {
      for (const listener of this.#accountListeners) listener(value as Account)
    }
    if (value !== undefined && key === OPERATOR_KEY) {
      for (const listener of this.#operatorListeners) listener(value as Operator)
    }
    if (value === undefined && key.startsWith(ACCOUNT_PREFIX)) {
      for (const listener of this.#deletionListeners) listener(key.slice(ACCOUNT_PREFIX.length))
    }
    this.#tell(key, { ...this.#seen, records: revision }, revision)
  }

  #tell(key: string, seen: Seen, revision: number): void {
    this.#seen = seen
    for (const listener of this.#changeListeners) listener(key, revision)
    for (const [reached, wanted] of this.#waiting) {
      if (!covers(seen, wanted)) continue
      this.#waiting.delete(reached)
      reached.resolve(undefined)
    }
  }
}
