import { sessionId, type Connection, type SessionId } from './session.ts'

/** What waits for servers: those of one server in their order, while servers take turns. */
export class ByServer<Item> {
  readonly #servers = new Map<string, Map<SessionId, Item>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(connection: Connection): Item | undefined {
    return this.#servers.get(connection.server)?.get(sessionId(connection))
  }

  /** Who waits already keeps its place. */
  set(connection: Connection, item: Item): void {
    const { server } = connection
    const waiting = this.#servers.get(server) ?? new Map<SessionId, Item>()
    this.#size -= waiting.size
    waiting.set(sessionId(connection), item)
    this.#size += waiting.size
    this.#servers.set(server, waiting)
  }

  delete(connection: Connection): void {
    const { server } = connection
    const waiting = this.#servers.get(server)
    if (waiting?.delete(sessionId(connection)) !== true) return
    this.#size -= 1
    if (waiting.size === 0) this.#servers.delete(server)
  }

  /** Takes the first one that waits for a server that is free. */
  take(isFree: (server: string) => boolean): Item | undefined {
    for (const [server, waiting] of this.#servers) {
      if (!isFree(server)) continue
      const [first] = waiting
      this.#servers.delete(server)
      if (first === undefined) continue
      waiting.delete(first[0])
      this.#size -= 1
      if (waiting.size > 0) this.#servers.set(server, waiting) // The others come first now.
      return first[1]
    }
    return undefined
  }

  clear(): void {
    this.#servers.clear()
    this.#size = 0
  }
}
