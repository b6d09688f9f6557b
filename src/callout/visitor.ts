import { isIP } from 'node:net'
import type { Whose } from '../domain/lockout.ts'
import { sourceOf } from '../domain/source.ts'
import type { User } from '../domain/user.ts'
import type { ClientInformation } from '../jwt/claims.ts'
import type { Holder } from './authenticate.ts'
import { Denial, type DenyReason } from './reason.ts'
import type { Throttle } from './throttle.ts'
import type { Verified } from './verify.ts'

/** What a client is refused for that did not prove itself: its source has one failure less left. */
const UNPROVEN: ReadonlySet<DenyReason> = new Set<DenyReason>([
  'no_credential',
  'unknown_credential',
  'wrong_password',
  'wrong_signature',
  'ambiguous_user',
  'locked_out',
  'source_over_budget',
])

/** One client at the door, and what the throttle has to say to it. Where it comes from is worked out when it matters. */
export class Visitor {
  readonly #throttle: Throttle
  readonly #nowMs: () => number
  readonly #request: Verified
  #source: string | undefined

  constructor(request: Verified, { throttle, nowMs }: { throttle: Throttle; nowMs: () => number }) {
    this.#throttle = throttle
    this.#nowMs = nowMs
    this.#request = request
  }

  /**
   * Refuses a password before anybody is looked up: too many clients of the source have failed. While somebody logged
   * in from there lately, `userRefused` decides.
   */
  passwordRefused(): Denial | undefined {
    const nowMs = this.#nowMs()
    const isOpen =
      !this.#throttle.isOverBudget(this.#from, nowMs) || this.#throttle.isKnown(this.#from, nowMs)
    return isOpen ? undefined : this.#overBudget()
  }

  /** The same once somebody was looked up, and before anything is hashed: whoever logged in from there lately may try. */
  userRefused(user: User | undefined): Denial | undefined {
    const nowMs = this.#nowMs()
    if (!this.#throttle.isOverBudget(this.#from, nowMs)) return undefined
    const isFamiliar = user !== undefined && this.#throttle.isFamiliar(user.id, this.#from, nowMs)
    return isFamiliar ? undefined : this.#overBudget(user)
  }

  /**
   * What a password comes to, once it was hashed. Locked out or not, every one is: else time would tell who exists. And
   * it is asked now, so that of many that were tried at once those after the lockout tell nothing.
   */
  judged(user: User, proven: Holder | Denial): Holder | Denial {
    const nowMs = this.#nowMs()
    const lockout = this.#throttle.lockoutOf(user.id, this.#from, nowMs)
    if (lockout !== undefined) {
      return new Denial('locked_out', `until ${new Date(lockout.untilMs).toISOString()}`, { user })
    }
    if (!(proven instanceof Denial)) this.#throttle.loggedIn(whoseOf(user), this.#from, nowMs)
    else if (proven.reason === 'wrong_password') this.#throttle.failed(whoseOf(user), this.#from, nowMs)
    return proven
  }

  /** Takes down a refusal. Says whether it should go without an answer. */
  refused({ reason }: Denial): boolean {
    if (!UNPROVEN.has(reason)) return false
    const nowMs = this.#nowMs()
    const { exp = 0 } = this.#request.claims
    const isSilent = this.#throttle.staysSilent(this.#from, (exp + 1) * 1_000, nowMs)
    this.#throttle.refused(this.#from, nowMs)
    return isSilent
  }

  #overBudget(user?: User): Denial {
    return new Denial('source_over_budget', this.#from, user && { user })
  }

  get #from(): string {
    return (this.#source ??= whence(this.#request.claims.nats.client_info))
  }
}

/** Where the server does not say where a client comes from, all such clients are of one source. */
const UNKNOWN = 'unknown'

function whence({ host = '' }: ClientInformation): string {
  const address = host.replace(/%.*/, '') // A zone says by which link, and nothing of who it is.
  return isIP(address) === 0 ? UNKNOWN : sourceOf(address)
}

function whoseOf({ account, id, name }: User): Whose {
  return { account, user: id, name }
}
