/** Longer than any server waits for an answer: after this a request is refused by its `exp`. */
const WINDOW_MS = 30_000
/** Bounds the memory: at most twice as many keys are kept (some 20 MB), however fast they come. */
const KEYS_MAX = 100_000

/**
 * Remembers which requests were seen, so that none is answered twice. A server makes a new `user_nkey` for every
 * request (reference A.3). Two generations, the older one forgotten as a whole: no timer, no scan.
 */
export class Replays {
  #young = new Set<string>()
  #old = new Set<string>()
  #since = 0

  /** Was this key seen before? From now on it was. */
  isReplay(userNkey: string, nowMs: number): boolean {
    if (nowMs - this.#since >= WINDOW_MS || this.#young.size >= KEYS_MAX) {
      this.#old = nowMs - this.#since >= 2 * WINDOW_MS ? new Set() : this.#young
      this.#young = new Set()
      this.#since = nowMs
    }
    if (this.#young.has(userNkey) || this.#old.has(userNkey)) return true
    this.#young.add(userNkey)
    return false
  }
}
