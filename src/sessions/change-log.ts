import type { Report } from './kicking.ts'
import { Tally } from './tally.ts'

/** Changes that are remembered once they are over, for those who ask what became of theirs. */
const REMEMBERED_MAX = 1_000

/** One change of the state, and what becomes of the sessions here that it touches. */
export interface ChangeRecord {
  readonly revision: number
  readonly tally: Tally
  /** One more of them has been reconsidered. */
  judged(): void
}

/** What became of some changes, as far as this replica sees to it. */
export interface Outcome {
  readonly report: Report
  /** Every session that they touch has been reconsidered. */
  readonly isJudged: boolean
}

interface Entry {
  readonly tally: Tally
  toJudge: number
}

/** What the latest changes came to, by revision. */
export class ChangeLog {
  readonly #entries = new Map<number, Entry>()
  readonly #listeners = new Set<() => void>()
  /** For sessions that are ended for a change of which nobody knows: it was before they appeared. */
  readonly unknown: ChangeRecord = { revision: 0, tally: new Tally(), judged: () => undefined }

  /** `touched`: how many sessions have to be reconsidered for it. */
  begin(revision: number, touched: number): ChangeRecord {
    const entry: Entry = { tally: new Tally(() => this.#tell()), toJudge: touched }
    this.#entries.set(revision, entry)
    const [oldest] = this.#entries.size > REMEMBERED_MAX ? this.#entries.keys() : []
    if (oldest !== undefined) this.#entries.delete(oldest)
    return {
      revision,
      tally: entry.tally,
      judged: () => {
        entry.toJudge -= 1
        if (entry.toJudge === 0) this.#tell()
      },
    }
  }

  /** Of the changes from one revision to another: those of one commit follow each other. */
  outcome(from: number, to: number): Outcome {
    let [affected, kicked, left, toJudge] = [0, 0, 0, 0]
    for (const [revision, entry] of this.#entries) {
      if (revision < from || revision > to) continue
      const { report } = entry.tally
      affected += report.affected
      kicked += report.kicked
      left += report.left
      toJudge += entry.toJudge
    }
    return { report: { affected, kicked, left }, isJudged: toJudge === 0 }
  }

  /** Calls whenever a change has been dealt with a little further. */
  onProgress(listener: () => void): void {
    this.#listeners.add(listener)
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
