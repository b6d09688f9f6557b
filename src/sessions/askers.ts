import type { Gossip } from './gossip.ts'
import type { Session } from './session.ts'

/** A connection is kept open for a reply so long at most: the longest that one waits for what follows, and a little. */
const REPLY_MS_MAX = 3_000
/** Those who ask at a time; whoever asked first is forgotten first. */
const ASKERS_MAX = 10_000

/** Where a command came from, as the bus says it: by its server's name, which is not its id, and so is left out. */
export type AskedFrom = Pick<Session, 'account' | 'name' | 'cid'>

interface Word {
  readonly key: string
  readonly is: 'asking' | 'answered'
}

interface Asking {
  /** Replies that are waited for. */
  count: number
  readonly over: Promise<void>
  readonly end: () => void
}

/**
 * Connections whose command is about to change the state, on whatever replica. A command may well be about the
 * connection that it came by, as every change of a policy of admins is: it ends after the reply, not before.
 */
export class Askers {
  readonly #gossip: Gossip
  readonly #asking = new Map<string, Asking>()

  constructor(gossip: Gossip) {
    this.#gossip = gossip
    gossip.hear('asker', (payload) => {
      const { key, is } = payload as Word
      if (is === 'asking') this.#begin(key)
      else this.#answer(key)
    })
  }

  /** From now until it is disposed of somebody waits there for a reply. */
  asks(from: AskedFrom): Disposable {
    const key = keyOf(from)
    this.#begin(key)
    this.#gossip.tell('asker', { key, is: 'asking' } satisfies Word)
    return {
      [Symbol.dispose]: () => {
        this.#answer(key)
        this.#gossip.tell('asker', { key, is: 'answered' } satisfies Word)
      },
    }
  }

  /** Resolves when the reply is out, or after a while; `undefined` where nobody waits for one. */
  answered(session: AskedFrom): Promise<void> | undefined {
    return this.#asking.get(keyOf(session))?.over
  }

  /** However many commands follow each other there, it is kept open for no longer than for the first of them. */
  #begin(key: string): void {
    const known = this.#asking.get(key)
    if (known !== undefined) {
      known.count += 1
      return
    }
    const [oldest] = this.#asking.size >= ASKERS_MAX ? this.#asking.values() : []
    oldest?.end()
    let resolve = (): void => undefined
    const over = new Promise<void>((settle) => (resolve = settle))
    const end = (): void => {
      clearTimeout(timer)
      this.#asking.delete(key)
      resolve()
    }
    const timer = setTimeout(end, REPLY_MS_MAX)
    timer.unref()
    this.#asking.set(key, { count: 1, over, end })
  }

  #answer(key: string): void {
    const asking = this.#asking.get(key)
    if (asking === undefined) return
    asking.count -= 1
    if (asking.count === 0) asking.end()
  }
}

function keyOf({ account, name, cid }: AskedFrom): string {
  return `${account} ${name} ${cid}`
}
