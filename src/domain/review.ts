import { holdings, type Census, type Holding } from './census.ts'
import { gainedPermissions, type GainedPermission } from './gained-permissions.ts'
import { gained } from './gained.ts'
import type { Grant } from './grant.ts'
import { heldTo } from './held-to.ts'
import type { ResponsePermission, SubjectRules } from './policy.ts'
import type { User } from './user.ts'

/** What may be done more, or no more. */
export interface Difference {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
  /** Semantic permissions that came or went, and which of the subjects they say. */
  readonly permissions: readonly GainedPermission[]
  /** Everything that is no subject, in words. */
  readonly other: readonly string[]
}

/** A user, and the account it is in, by name. */
export interface Member {
  readonly account: string
  readonly user: string
}

/** Users who gain the same, or lose the same. */
export interface Group {
  readonly what: Difference
  readonly users: readonly Member[]
}

/** Users whom the same keeps out. */
export interface Refused {
  /** A policy, and what it asks for: `policy "p" asks for {{user.metadata.region}}`. */
  readonly why: string
  readonly users: readonly Member[]
}

/** Who gains and who loses what by a change. */
export interface Review {
  /** Who would not be let in after it: new users, those who were let in before, and those whom something else kept out. */
  readonly refused: readonly Refused[]
  /** The largest group first. */
  readonly gains: readonly Group[]
  readonly losses: readonly Group[]
  /** Limits that are neither wider nor narrower than before. */
  readonly changes: readonly Group[]
  /** Everybody whose grant differs and who was there before: their sessions are what the change meets. */
  readonly affected: readonly Member[]
}

interface Change {
  readonly gain: Difference
  readonly loss: Difference
  readonly change: Difference
}

const NO_LIMITS = { gain: [], loss: [], change: [] }
const NO_RULES: SubjectRules = { allow: [], deny: [] }
const NOBODY: Holding = { ok: false, why: '' }

/**
 * Holds what everybody has before a change against what they have after it, user by user. Who is not there has
 * nothing. Pure; the work is one comparison for every two grants that differ, however many users have them.
 */
export function review(before: Census, after: Census): Review {
  const [held, holds] = [holdings(before), holdings(after)]
  const compare = comparison()
  const gains = new Grouping()
  const losses = new Grouping()
  const changes = new Grouping()
  const refused = new Map<string, Member[]>()
  const affected: Member[] = []
  for (const key of new Set([...before.users.keys(), ...after.users.keys()])) {
    const [was, is] = [before.users.get(key), after.users.get(key)]
    const [had, has] = [was && held(was), is && holds(is)]
    const member = memberOf([was, before], [is, after])
    const why = refusal(had, has)
    if (why !== undefined) listIn(refused, why).push(member)
    const change = compare(had, has)
    if (change === undefined) continue
    gains.add(change.gain, member)
    losses.add(change.loss, member)
    changes.add(change.change, member)
    if (was !== undefined) affected.push(member)
  }
  return {
    refused: largestFirst([...refused].map(([why, users]) => ({ why, users }))),
    gains: gains.groups(),
    losses: losses.groups(),
    changes: changes.groups(),
    affected,
  }
}

/** Why somebody is not let in, where that is new. */
function refusal(was: Holding | undefined, is: Holding | undefined): string | undefined {
  if (is === undefined || is.ok) return undefined
  return was === undefined || was.ok || was.why !== is.why ? is.why : undefined
}

function listIn(lists: Map<string, Member[]>, key: string): Member[] {
  const known = lists.get(key)
  if (known !== undefined) return known
  const list: Member[] = []
  lists.set(key, list)
  return list
}

function largestFirst<Item extends { readonly users: readonly Member[] }>(groups: Item[]): readonly Item[] {
  return groups.sort((a, b) => b.users.length - a.users.length)
}

function memberOf(...known: readonly (readonly [User | undefined, Census])[]): Member {
  const [user, census] = known.find(([user]) => user !== undefined) ?? []
  const account = user?.account ?? ''
  return { account: census?.accounts.get(account)?.name ?? account, user: user?.name ?? '' }
}

/** Compares two holdings, each pair once. Undefined where they come to the same. */
function comparison(): (was: Holding | undefined, is: Holding | undefined) => Change | undefined {
  const known = new Map<Holding | undefined, Map<Holding | undefined, Change | undefined>>()
  return (was, is) => {
    const ofThis = known.get(was) ?? new Map<Holding | undefined, Change | undefined>()
    known.set(was, ofThis)
    if (!ofThis.has(is)) ofThis.set(is, changeOf(was, is))
    return ofThis.get(is)
  }
}

function changeOf(was: Holding | undefined, is: Holding | undefined): Change | undefined {
  const isNews = was !== undefined && is !== undefined
  const limits = was?.ok === true && is?.ok === true ? heldTo(was.grant, is.grant) : NO_LIMITS
  const gain = differenceOf(was ?? NOBODY, is ?? NOBODY, limits.gain)
  const loss = differenceOf(is ?? NOBODY, was ?? NOBODY, limits.loss)
  const change: Change = {
    gain: isNews && !was.ok && is.ok ? withWord(gain, 'a grant at all') : gain,
    loss: isNews && was.ok && !is.ok ? withWord(loss, 'a grant at all') : loss,
    change: { publish: [], subscribe: [], permissions: [], other: limits.change },
  }
  return Object.values(change).every(isNothing) ? undefined : change
}

/** What is in the second and not in the first. */
function differenceOf(less: Holding, more: Holding, limits: readonly string[]): Difference {
  const [one, other] = [less, more].map((each) => (each.ok ? each.grant : undefined))
  const had = { publish: one?.publish ?? NO_RULES, subscribe: one?.subscribe ?? NO_RULES }
  const subjects = {
    publish: gained(had.publish, other?.publish ?? NO_RULES),
    subscribe: gained(had.subscribe, other?.subscribe ?? NO_RULES),
  }
  return {
    ...subjects,
    permissions: more.ok
      ? gainedPermissions(subjects, had, { policies: more.parts.policies, facts: more.facts })
      : [],
    other: [...answers(one, other), ...limits],
  }
}

function answers(less: Grant | undefined, more: Grant | undefined): readonly string[] {
  const [few, many] = [less?.responses, more?.responses]
  if (many === undefined) return []
  return few === undefined || many.max > few.max || many.ttlMs > few.ttlMs ? [inWords(many)] : []
}

function inWords({ max, ttlMs }: ResponsePermission): string {
  return `answers to requests (${max} within ${ttlMs / 1_000}s)`
}

function withWord(difference: Difference, word: string): Difference {
  return { ...difference, other: [word, ...difference.other] }
}

export function isNothing({ publish, subscribe, other }: Difference): boolean {
  return publish.length === 0 && subscribe.length === 0 && other.length === 0
}

/** Users by what they gain or lose. */
class Grouping {
  readonly #groups = new Map<string, { readonly what: Difference; readonly users: Member[] }>()
  /** Those who share a grant share the object: it need not be written out for each. */
  readonly #keys = new Map<Difference, string>()

  add(what: Difference, member: Member): void {
    if (isNothing(what)) return
    let key = this.#keys.get(what)
    if (key === undefined) this.#keys.set(what, (key = JSON.stringify(what)))
    const group = this.#groups.get(key)
    if (group === undefined) this.#groups.set(key, { what, users: [member] })
    else group.users.push(member)
  }

  groups(): readonly Group[] {
    return largestFirst([...this.#groups.values()])
  }
}
