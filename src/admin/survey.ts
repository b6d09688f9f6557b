import type { Account, AccountState } from '../domain/account.ts'
import { barring, shutting } from '../domain/barred.ts'
import { compileGrant } from '../domain/grant.ts'
import { partsOf } from '../domain/parts.ts'
import type { Policy } from '../domain/policy.ts'
import { briefing, leaveOf, type Brief, type Leave, type Question } from '../domain/question.ts'
import type { Role } from '../domain/role.ts'
import { accountKey, EVERY_POLICY, EVERY_ROLE } from '../domain/state-keys.ts'
import type { User } from '../domain/user.ts'
import { viaOf, type Via } from '../domain/via.ts'
import { accounts } from './aggregates.ts'
import type { Scene } from './command.ts'
import type { StateStore } from './state-store.ts'

const PAGE = 1_000
/** The longest that is worked at a stretch. */
const STRETCH_MS_MAX = 10

/** What a survey works on. */
type Source = Pick<Scene, 'tx' | 'store' | 'now' | 'breathe'>

/** Somebody who may, and what lets it. */
export interface Permitted {
  readonly policy: string
  readonly version: number
  readonly via: readonly string[]
  readonly entry: string
  readonly account: string
  readonly user: string
}

/** What all users of one account with the same policies and roles have in common. */
interface Kind {
  /** Absent where a policy or role is gone, or too much is granted: nobody of them is let in. */
  readonly brief: Brief | undefined
  readonly via: Via
  /** The answer, where it is the same for all of them. */
  readonly leave?: Leave | undefined
}

interface Facts {
  readonly user: User
  readonly account: Account
}

interface Records {
  readonly policies: ReadonlyMap<string, Policy>
  readonly roles: ReadonlyMap<string, Role>
}

/** Asks user after user the same question. Whoever has the same policies is asked once. */
export class Survey {
  readonly #briefOf: ReturnType<typeof briefing>
  readonly #source: Source
  readonly #nowMs: number
  #sinceMs: number
  readonly #kinds = new Map<string, Kind>()
  readonly #found: Permitted[] = []
  readonly #accounts = new Map<string, AccountState>()
  #records: Records | undefined
  /** Who may, and would not be let in. */
  barred = 0

  constructor(question: Question, source: Source) {
    this.#briefOf = briefing(question)
    this.#source = source
    this.#nowMs = this.#sinceMs = source.now().getTime()
  }

  get found(): number {
    return this.#found.length
  }

  /** Those who may, those of one policy together. */
  items(): readonly Permitted[] {
    return this.#found.toSorted(
      (a, b) => compare(a.policy, b.policy) || compare(a.account, b.account) || compare(a.user, b.user),
    )
  }

  async takeAll(users: readonly User[]): Promise<void> {
    this.#records ??= await readRecords(this.#source.store)
    for (const user of users) {
      const account = this.#accounts.get(user.account) ?? (await this.#accountOf(user))
      if (account.status !== 'absent') this.#take(user, account, this.#records)
      await this.#rest()
    }
  }

  /** A page of users can be a second of work: others are not to wait that long. */
  async #rest(): Promise<void> {
    const { now, breathe } = this.#source
    if (now().getTime() - this.#sinceMs < STRETCH_MS_MAX) return
    await breathe()
    this.#sinceMs = now().getTime()
  }

  async #accountOf({ account: id }: User): Promise<AccountState> {
    const account = await this.#source.tx.load(accounts, accountKey(id))
    this.#accounts.set(id, account)
    return account
  }

  #take(user: User, account: Account, records: Records): void {
    const kind = this.#kindOf({ user, account }, records)
    if (kind.brief === undefined) return
    const leave = kind.brief.isSame ? kind.leave : leaveOf(kind.brief, { user, account })
    if (leave === undefined) return
    if (barring(user, account, this.#nowMs) !== undefined) {
      this.barred += 1
      return
    }
    const { policy, entry } = leave
    const { id, name, version } = policy
    const via = kind.via.get(id) ?? []
    this.#found.push({ policy: name, version, via, entry, account: account.name, user: user.name })
  }

  #kindOf(facts: Facts, records: Records): Kind {
    const { user, account } = facts
    const key = `${account.id} ${user.policies.join(' ')} | ${user.roles.join(' ')}`
    let kind = this.#kinds.get(key)
    if (kind === undefined) {
      kind = this.#newKind(facts, records)
      this.#kinds.set(key, kind)
    }
    return kind
  }

  #newKind(facts: Facts, { policies, roles }: Records): Kind {
    const { user, account } = facts
    const records = { policy: (id: string) => policies.get(id), role: (id: string) => roles.get(id) }
    const via = viaOf(user, account, records)
    const parts = partsOf(user, account, records)
    if ('missing' in parts) return { brief: undefined, via }
    const compiled = compileGrant(user, account, parts)
    // A template may lack a value for one of them and have it for the next: that is asked user by user.
    const isShut = compiled.ok
      ? shutting(compiled.grant) !== undefined
      : compiled.reason === 'grant_too_large'
    if (isShut) return { brief: undefined, via }
    const brief = this.#briefOf(parts)
    return { brief, via, leave: brief.isSame ? leaveOf(brief, facts) : undefined }
  }
}

function compare(left: string, right: string): number {
  if (left === right) return 0
  return left < right ? -1 : 1
}

async function readRecords(store: StateStore): Promise<Records> {
  const [policies, roles] = await Promise.all([
    readAll<Policy>(store, EVERY_POLICY),
    readAll<Role>(store, EVERY_ROLE),
  ])
  return { policies, roles }
}

async function readAll<Item extends { readonly id: string }>(
  store: StateStore,
  filter: string,
): Promise<ReadonlyMap<string, Item>> {
  const items = new Map<string, Item>()
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = await store.page(filter, { after, limit: PAGE })
    for (const { value } of page.entries) items.set((value as Item).id, value as Item)
    after = page.next
  }
  return items
}
