import type { Gossip } from './gossip.ts'
import { Lag } from './lag.ts'
import { covers, NOTHING_SEEN, type Seen } from './seen.ts'
import { ownerOf } from './share.ts'

/** How often a replica says that it is there, and how long after the last time it counts as gone. */
const BEAT_MS = 1_000
export const GONE_MS = 5_000
/** Whoever is further behind than this is there, and sees to nothing: it does not know what has changed. */
const BEHIND_MS = 5_000

interface Word extends Seen {
  /** `came` asks everybody for a word of theirs. */
  readonly is: 'came' | 'there' | 'leaving'
}

interface Other {
  seen: Seen
  atMs: number
  readonly lag: Lag
  isBehind: boolean
}

export interface ReplicasOptions {
  readonly self: string
  readonly gossip: Gossip
  readonly seen: () => Seen
  readonly nowMs: () => number
}

/** Which replicas there are, and how far each has read the state. */
export class Replicas implements Disposable {
  readonly #options: ReplicasOptions
  readonly #others = new Map<string, Other>()
  readonly #lag = new Lag(BEHIND_MS)
  readonly #goneListeners = new Set<() => void>()
  readonly #waiting = new Set<() => void>()
  readonly #timer: NodeJS.Timeout
  #told: Seen = NOTHING_SEEN
  #isClosed = false

  constructor(options: ReplicasOptions) {
    this.#options = options
    options.gossip.hear('replica', (word, from) => this.#hear(word as Word, from))
    this.#tell('came')
    this.#timer = setInterval(() => this.#beat(), BEAT_MS)
  }

  /** The ids of all that are there, this one too. */
  get live(): readonly string[] {
    return [this.#options.self, ...this.#others.keys()]
  }

  /** Has this replica, for some time, not read what others have? Then it must not be relied on. */
  get isBehind(): boolean {
    const { seen, nowMs } = this.#options
    const theirs = [...this.#others.values()].map((other) => other.seen)
    const records = Math.max(0, ...theirs.map((each) => each.records))
    const users = Math.max(0, ...theirs.map((each) => each.users))
    return this.#lag.isBehind(seen(), { records, users }, nowMs())
  }

  /** Is it for this replica to see to? */
  owns(key: string): boolean {
    if (this.#others.size === 0) return true
    const { self } = this.#options
    const able = [...this.#others].filter(([, { isBehind }]) => !isBehind).map(([id]) => id)
    return ownerOf(key, [self, ...able]) === self
  }

  /** Calls when a replica has come or gone: what it saw to is seen to by others from then on. */
  onShift(listener: () => void): void {
    this.#goneListeners.add(listener)
  }

  /** To be called when this replica has read on: others wait for it. */
  readOn(): void {
    if (covers(this.#told, this.#options.seen())) return
    this.#tell('there')
    this.#wake()
  }

  /**
   * Which replicas have not read that far. Resolves at once when all have, and in the end with those that have not;
   * one that has been behind for long is not waited for.
   */
  async haveSeen(wanted: Seen, waitMsMax: number): Promise<readonly string[]> {
    const until = this.#options.nowMs() + waitMsMax
    for (;;) {
      const behind = this.#behind(wanted)
      const left = until - this.#options.nowMs()
      const isHopeless = behind.every((id) => this.#others.get(id)?.isBehind === true)
      if (isHopeless || left <= 0) return behind
      await this.#news(left)
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#tell('leaving')
    this.#isClosed = true
    this.#wake()
  }

  #behind(wanted: Seen): readonly string[] {
    const { self, seen } = this.#options
    const others = [...this.#others].filter(([, other]) => !covers(other.seen, wanted)).map(([id]) => id)
    return covers(seen(), wanted) ? others : [self, ...others]
  }

  /** Resolves when somebody has read on or is gone, or after a while. */
  #news(waitMsMax: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, waitMsMax)
      this.#waiting.add(done)
    })
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
  }

  /** Whoever has said that it leaves says nothing more: others would count on it until it is silent for long. */
  #tell(is: Word['is']): void {
    if (this.#isClosed) return
    this.#told = this.#options.seen()
    this.#options.gossip.tell('replica', { is, ...this.#told } satisfies Word)
  }

  #hear({ is, records, users }: Word, from: string): void {
    const isNew = !this.#others.has(from)
    if (is === 'leaving') this.#others.delete(from)
    else this.#note(from, { records, users })
    if (is === 'came') this.#tell('there')
    if (isNew !== (is === 'leaving')) this.#shift()
    this.#wake()
  }

  #note(from: string, seen: Seen): void {
    const atMs = this.#options.nowMs()
    const other = this.#others.get(from)
    if (other === undefined) this.#others.set(from, { seen, atMs, lag: new Lag(BEHIND_MS), isBehind: false })
    else Object.assign(other, { seen, atMs })
  }

  #beat(): void {
    this.#tell('there')
    const { nowMs, seen } = this.#options
    let isShifted = false
    for (const [id, other] of this.#others) {
      const isBehind = other.lag.isBehind(other.seen, seen(), nowMs())
      const isGone = nowMs() - other.atMs > GONE_MS
      isShifted ||= isGone || isBehind !== other.isBehind
      other.isBehind = isBehind
      if (isGone) this.#others.delete(id)
    }
    if (isShifted) this.#shift()
    this.#wake()
  }

  #shift(): void {
    for (const listener of this.#goneListeners) listener()
  }
}
