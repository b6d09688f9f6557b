import type { Account } from '../domain/account.ts'
import { OPERATOR_SCOPE, type Policy } from '../domain/policy.ts'
import type { Role } from '../domain/role.ts'
import type { User } from '../domain/user.ts'
import { GatehouseError } from '../errors.ts'
import { isReserved } from './lookup.ts'

/** What a command was answered. */
export type Reply = Readonly<Record<string, unknown>>

/** Who answers commands: the service at the other end of the bus, or in this process. */
export interface Service {
  /** Sends `auth.v1.<name>`. Throws GatehouseError with the code of the refusal. */
  request(name: string, body: Readonly<Record<string, unknown>>): Promise<Reply>
  /** Is there a command of that name? What nobody can do is not planned. */
  readonly offers: (name: string) => boolean
}

interface Revised {
  /** What `ifRevision` asks for. */
  readonly revision: number
}

/** Records as the commands tell them: whom they name, they name by name. */
export interface OperatorRecord extends Revised {
  readonly name: string
  readonly description?: string | undefined
}
export type AccountRecord = Revised &
  Pick<
    Account,
    | 'id'
    | 'name'
    | 'role'
    | 'description'
    | 'limits'
    | 'defaultPolicy'
    | 'boundaryPolicy'
    | 'metadata'
    | 'expiresAt'
  > & {
    /** What it gives to and takes from other accounts, which imports name by name. */
    readonly exports?: readonly Readonly<Record<string, unknown>>[] | undefined
    readonly imports?: readonly Readonly<Record<string, unknown>>[] | undefined
  }
export type PolicyRecord = Revised &
  Pick<Policy, 'id' | 'name' | 'scope' | 'description' | 'permissions' | 'limits' | 'delegable'>
export type RoleRecord = Revised & Pick<Role, 'id' | 'name' | 'scope' | 'description' | 'policies' | 'roles'>
export type UserRecord = Revised & Pick<User, 'id' | 'name' | 'policies' | 'roles' | 'metadata' | 'expiresAt'>

/** The state at about one moment, as far as somebody wanted it. Commands hold it to the revisions they saw. */
export interface Snapshot {
  /** Absent where nobody tells it. */
  readonly operator?: OperatorRecord | undefined
  readonly accounts: readonly AccountRecord[]
  readonly policies: readonly PolicyRecord[]
  readonly roles: readonly RoleRecord[]
  /** By name of account. */
  readonly users: ReadonlyMap<string, readonly UserRecord[]>
}

/** What is asked for. */
export interface Wanted {
  /** To tell of the operator, every server is asked which of its keys it trusts: that takes a moment. */
  readonly operator: boolean
  /** Of an account. It may hold a million that nobody asks for. */
  readonly users: (account: AccountRecord) => 'all' | readonly string[]
}

/** Up to so many users are asked for one by one; beyond that the list is sooner read. */
const ONE_BY_ONE_MAX = 50
const PAGE = 500

/** Reads the state by commands. Throws what they throw. */
export async function readSnapshot(service: Service, wanted: Wanted): Promise<Snapshot> {
  const [operator, accounts, policies, roles] = await Promise.all([
    wanted.operator ? readOperator(service) : undefined,
    listed<AccountRecord>(service, 'account.list'),
    listed<PolicyRecord>(service, 'policy.list'),
    listed<RoleRecord>(service, 'role.list'),
  ])
  const users = new Map<string, readonly UserRecord[]>()
  for (const account of accounts) {
    if (!isReserved(account))
      users.set(account.name, await readUsers(service, account.name, wanted.users(account)))
  }
  const named = accounts.map((account) => ({ ...account, imports: importsByName(accounts, account.imports) }))
  return { operator, accounts: named, policies, roles, users }
}

/** An import with the name of its account, where a key is said. Only in this system does the key mean anything. */
export function importsByName<Import extends object>(
  accounts: readonly Pick<AccountRecord, 'id' | 'name'>[],
  imports: readonly Import[] | undefined,
): readonly Import[] | undefined {
  const names = new Map<unknown, string>(accounts.map(({ id, name }) => [id, name]))
  return imports?.map((each) => {
    const name = 'account' in each ? names.get(each.account) : undefined
    return name === undefined ? each : { ...each, account: name }
  })
}

async function readOperator(service: Service): Promise<OperatorRecord | undefined> {
  if (!service.offers('operator.get')) return undefined
  const { operator, revision } = await service.request('operator.get', {})
  return { ...(operator as Omit<OperatorRecord, 'revision'>), revision: Number(revision) }
}

/** The users of an account: those named, or all. */
export async function readUsers(
  service: Service,
  account: string,
  wanted: 'all' | readonly string[],
): Promise<readonly UserRecord[]> {
  if (wanted === 'all') return listed<UserRecord>(service, 'user.list', { account })
  if (wanted.length > ONE_BY_ONE_MAX) {
    const names = new Set(wanted)
    const all = await listed<UserRecord>(service, 'user.list', { account })
    return all.filter(({ name }) => names.has(name))
  }
  const found = await Promise.all(wanted.map((user) => readUser(service, { account, user })))
  return found.filter((user) => user !== undefined)
}

async function readUser(
  service: Service,
  which: { readonly account: string; readonly user: string },
): Promise<UserRecord | undefined> {
  try {
    const { user, revision } = await service.request('user.get', which)
    return { ...(user as Omit<UserRecord, 'revision'>), revision: Number(revision) }
  } catch (error) {
    if (error instanceof GatehouseError && error.code === 'not_found') return undefined
    throw error
  }
}

/** All pages. What changed meanwhile is told again, and then counts as it is told last. */
async function listed<Item extends { readonly id: string }>(
  service: Service,
  name: string,
  body: Readonly<Record<string, unknown>> = {},
): Promise<readonly Item[]> {
  const items = new Map<string, Item>()
  for (let after: unknown = 0; after !== undefined;) {
    const page = await service.request(name, { ...body, limit: PAGE, after })
    for (const item of page['items'] as readonly Item[]) items.set(item.id, item)
    after = page['next']
  }
  return [...items.values()]
}

/** An account by its name. */
export function accountIn(snapshot: Snapshot, name: string | undefined): AccountRecord | undefined {
  return snapshot.accounts.find((account) => account.name === name)
}

/** What the document names, if it is there, of exactly that owner: everybody's does not stand in for an account's own. */
export function ownIn<Item extends { readonly name: string; readonly scope: string }>(
  snapshot: Snapshot,
  items: readonly Item[],
  { account, name }: { readonly account?: string | undefined; readonly name: string },
): Item | undefined {
  const scope = account === undefined ? OPERATOR_SCOPE : accountIn(snapshot, account)?.id
  return items.find((item) => item.scope === scope && item.name === name)
}

/** What that name leads to in an account: its own, else everybody's. */
export function usableIn<Item extends { readonly name: string; readonly scope: string }>(
  snapshot: Snapshot,
  items: readonly Item[],
  { account, name }: { readonly account?: string | undefined; readonly name: string },
): Item | undefined {
  return ownIn(snapshot, items, { account, name }) ?? ownIn(snapshot, items, { name })
}
