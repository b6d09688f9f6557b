import { setTimeout as sleep } from 'node:timers/promises'
import type { Soon } from '../callout/directory.ts'
import { GONE_MS } from '../sessions/replicas.ts'

const ASK_EVERY_MS = 2_000
const ANSWER_MS_MAX = 1_500
/** Replicas that are not heard of for `GONE_MS` are not waited for: sooner than that it has to have asked. */
const FRESH_MS = GONE_MS - 1_000

export interface TouchOptions {
  /** Resolves when this replica has read everything that was stored when it asked. */
  readonly upToDate: () => Promise<void>
  /** Do other replicas, for some time, know of changes that this one has not read? */
  readonly isBehind: () => boolean
  /** How long it decides from memory while the state cannot be asked. Milliseconds. */
  readonly staleMsMax: number
  readonly nowMs: () => number
}

/**
 * Whether what this replica has in memory may still be decided by. It asks the leader of the stream every other second;
 * one that was not asked lately, because the process stood still, is asked before anybody is let in. While nobody
 * answers, memory is good for a while.
 */
export class Touch implements Disposable {
  readonly #options: TouchOptions
  readonly #timer: NodeJS.Timeout
  #confirmedMs: number
  #failedMs = -Infinity
  #asking: Promise<void> | undefined

  /** To be made when everything has been read. */
  constructor(options: TouchOptions) {
    this.#options = options
    this.#confirmedMs = options.nowMs()
    this.#timer = setInterval(() => void this.#ask(), ASK_EVERY_MS)
    this.#timer.unref()
  }

  /** At once, but for after a standstill. */
  isGood(): Soon<boolean> {
    if (this.#ageMs <= FRESH_MS) return true
    const hasFailed = this.#options.nowMs() - this.#failedMs <= FRESH_MS
    return hasFailed ? this.#isGoodEnough : this.#ask().then(() => this.#isGoodEnough)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  get #ageMs(): number {
    return this.#options.nowMs() - this.#confirmedMs
  }

  get #isGoodEnough(): boolean {
    return this.#ageMs <= FRESH_MS || (this.#ageMs <= this.#options.staleMsMax && !this.#options.isBehind())
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#confirm().finally(() => (this.#asking = undefined))
    return this.#asking
  }

  async #confirm(): Promise<void> {
    const { upToDate, nowMs } = this.#options
    const began = nowMs()
    const over = new AbortController()
    const late = sleep(ANSWER_MS_MAX, 'late' as const, { signal: over.signal, ref: false })
    try {
      if ((await Promise.race([upToDate(), late])) === 'late') this.#failedMs = nowMs()
      else this.#confirmedMs = began
    } catch {
      this.#failedMs = nowMs()
    } finally {
      late.catch(() => undefined)
      over.abort()
    }
  }
}
