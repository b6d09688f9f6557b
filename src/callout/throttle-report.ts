import type { Whose } from '../domain/lockout.ts'

/** What one replica tells the others of a moment: logins come first, failures after them. */
export interface ThrottleReport {
  /** Users that logged in with their password, and from where. */
  readonly logins: readonly { readonly user: string; readonly source: string }[]
  /** Passwords that were wrong: whose, from where, and how many. */
  readonly failures: readonly (Whose & { readonly source: string; readonly count: number })[]
  /** Clients that did not prove themselves: from where, and how many. */
  readonly refusals: readonly { readonly source: string; readonly count: number }[]
}

/** Of each list, in one report: it must fit one message. What is beyond stays what this replica alone knows. */
const TOLD_MAX = 1_000

/** Gathers a report. However much happens, it stays small. */
export class ReportDraft {
  readonly #logins = new Map<string, ThrottleReport['logins'][number]>()
  readonly #failures = new Map<string, ThrottleReport['failures'][number]>()
  readonly #refusals = new Map<string, number>()

  login(user: string, source: string): void {
    const key = pairOf(user, source)
    this.#failures.delete(key) // They do not count any more.
    if (hasRoom(this.#logins, key)) this.#logins.set(key, { user, source })
  }

  failure(whose: Whose, source: string): void {
    const key = pairOf(whose.user, source)
    const { count } = this.#failures.get(key) ?? { count: 0 }
    const { account, user, name } = whose
    if (hasRoom(this.#failures, key))
      this.#failures.set(key, { account, user, name, source, count: count + 1 })
  }

  refusal(source: string): void {
    if (hasRoom(this.#refusals, source)) this.#refusals.set(source, (this.#refusals.get(source) ?? 0) + 1)
  }

  /** Everything since the last one; `undefined` where nothing happened. */
  take(): ThrottleReport | undefined {
    if (this.#logins.size + this.#failures.size + this.#refusals.size === 0) return undefined
    const report = {
      logins: [...this.#logins.values()],
      failures: [...this.#failures.values()],
      refusals: [...this.#refusals].map(([source, count]) => ({ source, count })),
    }
    for (const each of [this.#logins, this.#failures, this.#refusals]) each.clear()
    return report
  }
}

/** A user and a source, as one key. Ids of users have no spaces. */
export function pairOf(user: string, source: string): string {
  return `${user} ${source}`
}

function hasRoom(told: ReadonlyMap<string, unknown>, key: string): boolean {
  return told.size < TOLD_MAX || told.has(key)
}
