import { same } from '../domain/same.ts'
import { accountKey, usedKey } from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import { OPERATOR_EVENTS, type Aggregate } from './aggregates.ts'
import { auditEvent } from './event.ts'
import { carrying } from './holds.ts'
import type { Hold, StateStore, Stored, Write } from './state-store.ts'

/** Of keys that were deleted a trace stays, so the first one with a value may be far on. */
const PAGE = 100

/** Who asked, as the bus says it is (reference I.1). */
export interface Actor {
  readonly account: string
  readonly user: string
}

/** What surrounds one command: who, when, and names that are new each time. */
export interface CommandContext {
  readonly actor: Actor
  readonly commandId: string
  readonly correlationId: string
  /** The revision that the caller decided on, of the aggregate the command changes or shows. */
  readonly ifRevision?: number | undefined
  /** RFC 3339: since when the caller is connected, as far as the bus says. */
  readonly connectedAt?: string | undefined
  /** RFC 3339. The receiver alone stamps the time, so no caller can backdate a fact. */
  readonly at: string
  /** A fresh ULID. */
  readonly nextId: () => string
  readonly version: string
  readonly environment?: string | undefined
}

/** An event as the audit stream holds it: mission row B2. */
export interface AuditEvent {
  readonly subject: string
  readonly data: Readonly<Record<string, unknown>>
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface Committed {
  /** The revision of the aggregate that was changed last or looked at; 0 when it was none or many. */
  readonly revision: number
  readonly events: readonly AuditEvent[]
}

/** An aggregate as it was at a version. */
export interface VersionRecord<State> {
  readonly state: State
  readonly by: Actor
  readonly at: string
}

/** What was answered to a command with an id, kept for a while in the same commit. */
export interface AnswerRecord {
  readonly key: string
  readonly ttlSeconds: number
  readonly value: (events: readonly AuditEvent[]) => Readonly<Record<string, unknown>>
}

/** The state as one reader sees it: each key is read once, so what is seen does not change underfoot. */
export class View {
  readonly #store: StateStore
  readonly #read = new Map<string, Stored>()

  constructor(store: StateStore) {
    this.#store = store
  }

  /** The value of a key, `undefined` when it has none. */
  async get(key: string): Promise<unknown> {
    return (await this.stored(key)).value
  }

  async load<State, Command, Event extends { readonly type: string }>(
    { decider }: Aggregate<State, Command, Event>,
    key: string,
  ): Promise<State> {
    const value = await this.get(key)
    return value === undefined ? decider.initial : (value as State)
  }

  /** The value of a key that has been read. */
  protected seen(key: string): unknown {
    return this.#read.get(key)?.value
  }

  /** A key as it is stored, with its revision. */
  async stored(key: string): Promise<Stored> {
    const known = this.#read.get(key)
    if (known !== undefined) return known
    const stored = await this.#store.get(key)
    this.#read.set(key, stored)
    return stored
  }
}

/**
 * One command's changes to the state: aggregates, the indexes that lead to them, their events. Nothing is
 * written before `commit`, and then everything in one atomic batch (reference I.2), each key held to the
 * revision it was read at, and so is what is held without being written: ADR 11.
 */
export class Transaction extends View {
  readonly #store: StateStore
  readonly #written = new Map<string, unknown>()
  readonly #events: AuditEvent[] = []
  /** Revisions by key or filter. */
  readonly #held = new Map<string, number>()
  #lastAggregate: string | undefined
  #isDecided = false
  #isRevisionUsed = false
  readonly context: CommandContext

  constructor(store: StateStore, context: CommandContext) {
    super(store)
    this.#store = store
    this.context = context
  }

  /** The value of a key as this transaction will leave it. */
  override get(key: string): Promise<unknown> {
    return this.#written.has(key) ? Promise.resolve(this.#written.get(key)) : super.get(key)
  }

  set(key: string, value: unknown): void {
    this.#written.set(key, value)
  }

  /** Nothing is committed unless this is still as it was read. */
  hold({ key, revision }: Pick<Stored, 'key' | 'revision'>): void {
    if (!this.#held.has(key)) this.#held.set(key, revision)
  }

  /** One of the keys that match and have a value. When there is none, nothing is committed unless that is still so. */
  async anyOf(filter: string): Promise<Stored | undefined> {
    const { entries, last } = await this.#store.page(filter, { after: 0, limit: PAGE })
    if (entries[0] === undefined) this.hold({ key: filter, revision: last })
    return entries[0]
  }

  /** All keys that match and have a value. Nothing is committed unless there are these and no others then. */
  async allOf(filter: string): Promise<readonly Stored[]> {
    const all: Stored[] = []
    for (let after: number | undefined = 0; after !== undefined;) {
      const { entries, next, last } = await this.#store.page(filter, { after, limit: PAGE })
      all.push(...entries)
      if (next === undefined) this.hold({ key: filter, revision: last })
      after = next
    }
    return all
  }

  /** The answer tells the revision of this one, though nothing is asked of it. Refuses as `execute` does. */
  async regard(key: string): Promise<void> {
    await this.#expect(key)
    this.#lastAggregate = key
  }

  /** Throws `invalid_request` for an `ifRevision` that nothing was held to: it would be a promise nobody keeps. */
  refuseUnusedRevision(): void {
    if (this.context.ifRevision === undefined || this.#isRevisionUsed) return
    const rule = 'is of one thing: this command tells of none or of many, leave it out'
    throw new GatehouseError('invalid_request', `ifRevision: ${rule}`, {
      faults: [{ where: 'ifRevision', rule }],
    })
  }

  /** Whether there is nothing to commit. */
  get isEmpty(): boolean {
    return this.#written.size === 0
  }

  /** What this transaction does to keys that begin so: as they were, and as it leaves them. */
  *changes(prefix: string): Generator<{ readonly before: unknown; readonly after: unknown }> {
    for (const [key, after] of this.#written)
      if (key.startsWith(prefix)) yield { before: this.seen(key), after }
  }

  /** Asks the aggregate, and takes down what follows. */
  async execute<State, Command, Event extends { readonly type: string }>(
    aggregate: Aggregate<State, Command, Event>,
    key: string,
    command: Command,
  ): Promise<State> {
    await this.#expect(key)
    const before = await this.load(aggregate, key)
    const events = aggregate.decider.decide(before, command)
    this.#lastAggregate = key
    this.#isDecided = true
    if (events.length === 0) return before
    const after = events.reduce<State>((state, event) => aggregate.decider.evolve(state, event), before)
    if (before === aggregate.decider.initial) await this.#holdAccount(aggregate.audience(after))
    await this.#reindex(aggregate.indexes(before), aggregate.indexes(after))
    this.#keepVersion(aggregate.versions?.(before) ?? [], aggregate.versions?.(after) ?? [], after)
    const isGone = after === aggregate.decider.initial
    const seen = isGone ? before : after
    for (const event of events)
      this.#record(event.type, aggregate.audience(seen), aggregate.told(event, seen))
    this.set(key, isGone ? undefined : after)
    return after
  }

  /** Writes everything, and with it, if anything was decided, the record of what was answered. */
  async commit(record?: AnswerRecord): Promise<Committed> {
    const changes: Write[] = []
    for (const [key, value] of this.#written) {
      changes.push({ key, value, expected: this.#held.get(key) ?? (await this.stored(key)).revision })
    }
    const last = this.#lastAggregate
    const before = last === undefined ? 0 : (await this.stored(last)).revision
    for (const event of this.#events) changes.push({ key: this.#eventKey(event), value: event, expected: 0 })
    const answer = this.#isDecided ? record : undefined
    if (changes.length === 0 && answer === undefined) return { revision: before, events: [] }
    const writes = [...carrying(changes, this.#holds())]
    const at = writes.findIndex(({ key }) => key === last)
    if (answer !== undefined) {
      // Revisions of one batch follow each other: from the record's own the aggregate's can be told later.
      const where = at === -1 ? { revision: before } : { offset: writes.length - at }
      const { revision: expected } = await this.stored(answer.key)
      const value = { ...answer.value(this.#events), ...where }
      writes.push({ key: answer.key, value, expected, ttlSeconds: answer.ttlSeconds })
    }
    const revisions = await this.#store.commit(writes)
    return { revision: revisions.get(last ?? '') ?? before, events: this.#events }
  }

  /** What is held and not written; what is written asks for itself. */
  #holds(): readonly Hold[] {
    const holds = [...this.#held].map(([filter, revision]) => ({ filter, revision }))
    return holds.filter(({ filter }) => !this.#written.has(filter))
  }

  /** Refuses unless the aggregate is still as the caller saw it. */
  async #expect(key: string): Promise<void> {
    this.#isRevisionUsed = true
    const { ifRevision } = this.context
    const { revision } = await this.stored(key)
    if (ifRevision === undefined || ifRevision === revision) return
    throw new GatehouseError('revision_conflict', `it is at revision ${revision}, not ${ifRevision}`, {
      faults: [{ where: 'ifRevision', rule: `is at revision ${revision}` }],
    })
  }

  async #reindex(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): Promise<void> {
    for (const key of before.keys()) if (!after.has(key)) this.set(key, undefined)
    for (const [key, value] of after) {
      if (before.has(key)) continue
      const holder = await this.get(key)
      if (holder !== undefined && !same(holder, value)) throw new GatehouseError('already_exists', taken(key))
      this.set(key, value)
      const used = usedKey(key)
      if (used !== undefined) this.hold(await this.stored(used))
    }
  }

  /** What is made in an account is made only while there is the account. */
  async #holdAccount(audience: string): Promise<void> {
    if (audience !== OPERATOR_EVENTS) this.hold(await this.stored(accountKey(audience)))
  }

  /** Keeps what is new, with who made it so, and forgets what is too old, or all of it with what it was of. */
  #keepVersion(before: readonly string[], after: readonly string[], state: unknown): void {
    const { actor, at } = this.context
    for (const key of before) if (!after.includes(key)) this.set(key, undefined)
    const [newest] = after
    if (newest !== undefined && newest !== before[0]) this.set(newest, { state, by: actor, at })
  }

  #record(type: string, audience: string, told: Readonly<Record<string, unknown>>): void {
    const { actor, commandId, correlationId, at, version, environment, nextId } = this.context
    const { type: _type, at: _at, ...data } = told
    const cause = { commandId, correlationId, actor }
    this.#events.push(auditEvent({ audience, type, data, cause }, { id: nextId(), at, version, environment }))
  }

  #eventKey({ subject, metadata }: AuditEvent): string {
    return `${subject.slice('auth.'.length)}.${String(metadata['id'])}`
  }
}

function taken(key: string): string {
  if (key.startsWith('index.token.') || key.startsWith('index.nkey.'))
    return 'the credential belongs to another user'
  const [, kind = '', ...rest] = key.split('.')
  const encoded = kind === 'username' ? rest[0] : rest.at(-1)
  return `the name "${Buffer.from(encoded ?? '', 'base64url').toString()}" is taken`
}
