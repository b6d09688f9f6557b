import type { Doubts, Ledger } from './ledger.ts'
import { SERVER_GONE, UNKNOWN, type Arrival } from './presence.ts'
import { LEAF_NODE, NOBODY, sessionId, type Connection, type Session } from './session.ts'
import { NOTHING_SEEN } from './seen.ts'

/** How often what has waited long enough is looked at. */
const TICK_MS = 1_000
/** How often all servers are asked for everything, when nothing else makes one ask. */
const ROUND_MS = 300_000
/** A server that does not answer for so long is gone; its sessions with it. */
const SILENCE_MS_MAX = 30_000
/** A server that did not answer is asked again after so long. */
const SILENT_MS = 5_000
/** Questions about one connection that are under way at a time. */
const ASKED_MAX = 16

/** The servers, which know best who is connected to them. */
export interface SessionServers {
  /** The ids of those that answer. */
  ids(): Promise<readonly string[]>
  /** The connections of ours that it has, a page at a time. `undefined` when it does not answer. */
  connections(server: string): AsyncIterable<readonly Arrival[] | undefined>
  /** Whether it has the connection; `undefined` when it does not answer. */
  has(connection: Connection): Promise<boolean | undefined>
  answers(server: string): Promise<boolean>
}

export interface ReconciliationOptions {
  readonly ledger: Ledger
  readonly servers: SessionServers
  /** The id of the user of that name in that account. */
  readonly userOf: (account: string, name: string) => Promise<string | undefined>
  /** Is it for this replica to see to? */
  readonly owns: (key: string) => boolean
  /** Brings the ledger up to what is stored, before servers are asked. */
  readonly refresh: () => Promise<void>
  readonly nowMs: () => number
  readonly onError: (error: unknown) => void
}

/**
 * Holds the ledger against what the servers have: after interruptions, and now and then. What the ledger has and no
 * server is ended; what a server has and the ledger does not, though it has waited for a record, is adopted. Replicas
 * share the servers among them.
 */
export class Reconciliation implements AsyncDisposable {
  readonly #options: ReconciliationOptions
  readonly #timers: readonly NodeJS.Timeout[]
  /** Servers that do not answer, and since when. */
  readonly #silent = new Map<string, { readonly sinceMs: number; askedMs: number }>()
  #round: Promise<void> | undefined
  #isAnotherWanted = false
  #asking: Promise<void> = Promise.resolve()
  #isOver = false

  constructor(options: ReconciliationOptions) {
    this.#options = options
    this.#timers = [setInterval(() => this.#tick(), TICK_MS), setInterval(() => void this.all(), ROUND_MS)]
  }

  /** Asks all servers that fall to this replica. Never two rounds at once; resolves when one that began now is over. */
  all(): Promise<void> {
    if (this.#round !== undefined) {
      this.#isAnotherWanted = true
      return this.#round
    }
    this.#round = this.#rounds().finally(() => (this.#round = undefined))
    return this.#round
  }

  /** A server has said that it ends, and everything on it. */
  shutDown(server: string): void {
    const at = new Date(this.#options.nowMs()).toISOString()
    for (const session of this.#on(server))
      this.#options.ledger.disconnected(session, { reason: 'Server Shutdown', at })
    void this.all() // What it stored may have ended with it.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all([this.#round, this.#asking])
  }

  async #rounds(): Promise<void> {
    await this.#guarded(() => this.#everyServer())
    if (!this.#isAnotherWanted || this.#isOver) return
    this.#isAnotherWanted = false
    await this.#rounds()
  }

  async #everyServer(): Promise<void> {
    const { ledger, servers, owns, refresh } = this.#options
    await refresh()
    const named = new Set([...ledger.open].map(({ server }) => server))
    for (const id of await servers.ids()) named.add(id)
    for (const id of named) if (owns(serverKey(id)) && !this.#isOver) await this.#server(id)
  }

  async #server(id: string): Promise<void> {
    const { ledger, servers } = this.#options
    const missing = new Map(this.#on(id).map((session) => [sessionId(session), session]))
    for await (const page of servers.connections(id)) {
      if (page === undefined) return this.#heardNothing(id)
      for (const arrival of page) {
        missing.delete(sessionId(arrival))
        ledger.found(arrival)
      }
    }
    this.#silent.delete(id)
    // Pages shift while connections end, so one that was not seen is asked for by its number.
    const left = [...missing.values()].filter(({ client }) => client.kind !== LEAF_NODE)
    await inGroups(left, (session) => this.#verify(session))
  }

  /** Ends it if its server does not have it. */
  async #verify(session: Session): Promise<void> {
    const { ledger, servers } = this.#options
    const isThere = await servers.has(session)
    if (isThere === false) ledger.gone(sessionId(session), UNKNOWN)
    if (isThere !== undefined) return
    await this.#heardNothing(session.server)
    ledger.doubt(session)
  }

  #tick(): void {
    const doubts = this.#options.ledger.tick()
    if (this.#isOver) return
    const silent = this.#silentToAsk()
    if (doubts.unconfirmed.length + doubts.strangers.length + silent.length === 0) return
    this.#asking = this.#asking.then(() => this.#guarded(() => this.#ask(doubts, silent)))
  }

  async #ask({ unconfirmed, strangers }: Doubts, silent: readonly string[]): Promise<void> {
    await inGroups(unconfirmed, (session) => this.#verify(session))
    await inGroups(strangers, (stranger) => this.#adopt(stranger))
    for (const server of silent) {
      if (await this.#options.servers.answers(server)) await this.#server(server)
      else await this.#heardNothing(server)
    }
  }

  async #adopt(arrival: Arrival): Promise<void> {
    const { ledger, servers, userOf } = this.#options
    if ((await servers.has(arrival)) !== true) return
    const user = (await userOf(arrival.account, arrival.name)) ?? NOBODY
    if (ledger.open.get(sessionId(arrival)) === undefined) ledger.adopt(adopted(arrival, user))
  }

  #silentToAsk(): readonly string[] {
    const nowMs = this.#options.nowMs()
    const due = [...this.#silent].filter(([, { askedMs }]) => nowMs - askedMs >= SILENT_MS)
    for (const [, each] of due) each.askedMs = nowMs
    return due.map(([id]) => id)
  }

  async #heardNothing(server: string): Promise<void> {
    const { ledger, servers } = this.#options
    const nowMs = this.#options.nowMs()
    const silent = this.#silent.get(server)
    if (silent === undefined) this.#silent.set(server, { sinceMs: nowMs, askedMs: nowMs })
    if (silent === undefined || nowMs - silent.sinceMs < SILENCE_MS_MAX) return
    const answering = await servers.ids()
    if (answering.length === 0) return // It is this replica that is cut off.
    this.#silent.delete(server)
    if (answering.includes(server)) return
    for (const session of this.#on(server)) ledger.gone(sessionId(session), SERVER_GONE)
  }

  #on(server: string): readonly Session[] {
    return [...this.#options.ledger.open].filter((session) => session.server === server)
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!this.#isOver) this.#options.onError(error)
    }
  }
}

function serverKey(id: string): string {
  return `server ${id}`
}

function adopted({ name, client, ...arrival }: Arrival, user: string): Session {
  return {
    ...arrival,
    user,
    name,
    client,
    credential: '',
    decision: '',
    grantHash: '',
    permissionsHash: '',
    policies: [],
    roles: [],
    seen: NOTHING_SEEN,
    adopted: true,
  }
}

async function inGroups<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += ASKED_MAX)
    await Promise.all(items.slice(from, from + ASKED_MAX).map(work))
}
