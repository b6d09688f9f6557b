import type { ChangeLog } from './change-log.ts'
import type { Gossip } from './gossip.ts'
import type { Report } from './kicking.ts'
import type { Replicas } from './replicas.ts'
import { covers, type Seen } from './seen.ts'

/** How often a replica tells how far it is, while sessions are ended at their pace. */
const PROGRESS_MS = 200
/** What is not over by then nobody waits for any more. */
const OVER_MS_MAX = 900_000
/** Commits of which it is known who made them. */
const REMEMBERED_MAX = 1_000

/** Who made a commit, and what it wrote: revisions of one commit follow each other. */
export interface Commit {
  readonly id: string
  readonly from: number
  readonly to: number
  readonly seen: Seen
  readonly correlationId: string
  readonly actor: { readonly account: string; readonly user: string }
}

interface Word extends Report {
  readonly id: string
  readonly isOver: boolean
}

export interface ConsequencesOptions {
  readonly self: string
  readonly gossip: Gossip
  readonly replicas: Pick<Replicas, 'live'>
  readonly changes: ChangeLog
  readonly seen: () => Seen
  readonly nowMs: () => number
}

interface Asked {
  readonly words: Map<string, Word>
  readonly waiting: Set<() => void>
}

/** What a commit comes to for the sessions of all replicas: each tells of its own share. */
export class Consequences implements Disposable {
  readonly #options: ConsequencesOptions
  readonly #commits = new Map<string, Commit>()
  /** Commits of which this replica has not told the last. */
  readonly #toTell = new Map<string, { readonly commit: Commit; readonly untilMs: number }>()
  readonly #asked = new Map<string, Asked>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: ConsequencesOptions) {
    this.#options = options
    const { gossip, changes } = options
    gossip.hear('commit', (commit) => this.#hear(commit as Commit))
    gossip.hear('consequence', (word, from) => this.#take(word as Word, from))
    changes.onProgress(() => this.#progressed())
  }

  /** To be called when this replica has read on. */
  readOn(): void {
    this.#progressed()
  }

  /** Whose commit a change was, if that is known by now. */
  commitOf(revision: number): Commit | undefined {
    for (const commit of this.#commits.values())
      if (commit.from <= revision && revision <= commit.to) return commit
    return undefined
  }

  /** Tells everybody of the commit. Ends with its last report; `over` says whether that is all. */
  follow(commit: Commit): Following {
    const asked: Asked = { words: new Map(), waiting: new Set() }
    this.#asked.set(commit.id, asked)
    this.#options.gossip.tell('commit', commit)
    this.#hear(commit)
    const end = (): void => void this.#asked.delete(commit.id)
    return {
      within: async (ms) => {
        const untilMs = this.#options.nowMs() + ms
        for (
          let left = ms;
          left > 0 && !this.#isOver(asked) && !this.#isClosed;
          left = untilMs - this.#options.nowMs()
        )
          await news(asked, left)
        return { report: this.#sum(asked), isOver: this.#isOver(asked) }
      },
      [Symbol.dispose]: end,
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const { waiting } of this.#asked.values()) for (const wake of waiting) wake()
  }

  #hear(commit: Commit): void {
    this.#commits.set(commit.id, commit)
    const [oldest] = this.#commits.size > REMEMBERED_MAX ? this.#commits.keys() : []
    if (oldest !== undefined) this.#commits.delete(oldest)
    this.#toTell.set(commit.id, { commit, untilMs: this.#options.nowMs() + OVER_MS_MAX })
    this.#progressed()
  }

  /** What is over is told at once, the rest every now and then. */
  #progressed(): void {
    if (this.#toTell.size === 0) return
    this.#tell('what is over')
    if (this.#toTell.size === 0) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#tell('everything')
    }, PROGRESS_MS).unref()
  }

  #tell(what: 'what is over' | 'everything'): void {
    const { seen, changes, nowMs } = this.#options
    for (const [id, { commit, untilMs }] of this.#toTell) {
      const isLate = nowMs() > untilMs
      const { report, isJudged } = changes.outcome(commit.from, commit.to)
      const isRead = covers(seen(), commit.seen)
      const isOver = isRead && isJudged && report.left === 0
      if (isOver || isLate) this.#toTell.delete(id)
      if (isOver || (isRead && what === 'everything')) this.#say({ id, ...report, isOver })
    }
  }

  #say(word: Word): void {
    this.#options.gossip.tell('consequence', word)
    this.#take(word, this.#options.self)
  }

  #take(word: Word, from: string): void {
    const asked = this.#asked.get(word.id)
    if (asked === undefined) return
    asked.words.set(from, word)
    for (const wake of asked.waiting) wake()
  }

  /** Whoever has gone meanwhile says nothing more. */
  #isOver({ words }: Asked): boolean {
    return this.#options.replicas.live.every((replica) => words.get(replica)?.isOver === true)
  }

  #sum({ words }: Asked): Report {
    const sum = { affected: 0, kicked: 0, left: 0 }
    for (const [replica, word] of words) {
      const isHere = this.#options.replicas.live.includes(replica)
      sum.affected += isHere ? word.affected : word.kicked
      sum.kicked += word.kicked
      sum.left += isHere ? word.left : 0
    }
    return sum
  }
}

/** What is heard of a commit's consequences. */
export interface Following extends Disposable {
  /** Resolves when all has been told, or after so long with what was. */
  within(ms: number): Promise<{ readonly report: Report; readonly isOver: boolean }>
}

function news({ waiting }: Asked, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      waiting.delete(done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    timer.unref()
    waiting.add(done)
  })
}
