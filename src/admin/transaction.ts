import { same } from '../domain/same.ts'
import { GatehouseError } from '../errors.ts'
import type { Aggregate } from './aggregates.ts'
import type { StateStore, Stored, Write } from './state-store.ts'

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
  /** RFC 3339. The receiver alone stamps the time, so no caller can backdate a fact. */
  readonly at: string
  /** A fresh ULID. */
  readonly nextId: () => string
  readonly version: string
}

/** An event as the audit stream holds it: mission row B2. */
export interface AuditEvent {
  readonly subject: string
  readonly data: Readonly<Record<string, unknown>>
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface Committed {
  /** The revision of the last aggregate that changed; 0 when nothing did. */
  readonly revision: number
  readonly events: readonly AuditEvent[]
}

/** The shape of `data` and `metadata`; it counts up when a reader would have to know. */
const EVENT_SCHEMA = 1

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

  protected async stored(key: string): Promise<Stored> {
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
 * revision it was read at.
 */
export class Transaction extends View {
  readonly #store: StateStore
  readonly #written = new Map<string, unknown>()
  readonly #events: AuditEvent[] = []
  #lastAggregate: string | undefined
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

  /** Asks the aggregate, and takes down what follows. */
  async execute<State, Command, Event extends { readonly type: string }>(
    aggregate: Aggregate<State, Command, Event>,
    key: string,
    command: Command,
  ): Promise<State> {
    const before = await this.load(aggregate, key)
    const events = aggregate.decider.decide(before, command)
    if (events.length === 0) return before
    const after = events.reduce<State>((state, event) => aggregate.decider.evolve(state, event), before)
    await this.#reindex(aggregate.indexes(before), aggregate.indexes(after))
    for (const event of events)
      this.#record(event.type, aggregate.audience(after), aggregate.told(event, after))
    this.set(key, after)
    this.#lastAggregate = key
    return after
  }

  async commit(): Promise<Committed> {
    const writes: Write[] = []
    for (const [key, value] of this.#written)
      writes.push({ key, value, expected: (await this.stored(key)).revision })
    if (writes.length === 0) return { revision: 0, events: [] }
    for (const event of this.#events) writes.push({ key: this.#eventKey(event), value: event, expected: 0 })
    const revisions = await this.#store.commit(writes)
    return { revision: revisions.get(this.#lastAggregate ?? '') ?? 0, events: this.#events }
  }

  async #reindex(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): Promise<void> {
    for (const key of before.keys()) if (!after.has(key)) this.set(key, undefined)
    for (const [key, value] of after) {
      if (before.has(key)) continue
      const holder = await this.get(key)
      if (holder !== undefined && !same(holder, value)) throw new GatehouseError('already_exists', taken(key))
      this.set(key, value)
    }
  }

  #record(type: string, audience: string, told: Readonly<Record<string, unknown>>): void {
    const { actor, commandId, correlationId, at, version, nextId } = this.context
    const { type: _type, at: _at, ...data } = told
    this.#events.push({
      subject: `auth.event.${audience}.${type}`,
      data: { ...data, timestamp: at },
      metadata: {
        service: 'gatehouse',
        version,
        schema: EVENT_SCHEMA,
        id: nextId(),
        commandId,
        correlationId,
        actor,
      },
    })
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
