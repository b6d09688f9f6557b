import { randomBytes } from 'node:crypto'
import { hash, parseOptions, verify } from '@node-rs/argon2'
import { GatehouseError } from '../errors.ts'
import type { Random } from './crypto.ts'

/** OWASP's first choice for argon2id: 19 MiB (in KiB here), two passes, one lane. About 20 ms. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/** What an imported hash may cost us at most; a hash is data, and data must not choose how long we work. */
const COST_MAX = { memoryCost: 65_536, timeCost: 4, parallelism: 4 } as const

/** In bytes of UTF-8. The upper bound only keeps a request from being a burden; argon2 itself has none. */
const PASSWORD_BYTES_MAX = 1_024

/** `busy` means not tried: too many are being hashed already. */
export type PasswordVerdict = 'match' | 'mismatch' | 'busy'

/** Can this be kept as a password hash: an argon2id PHC string whose cost is bounded? */
export function isPasswordHash(phc: string): boolean {
  if (!phc.startsWith('$argon2id$')) return false
  try {
    const { memoryCost, timeCost, parallelism } = parseOptions(phc)
    return (
      memoryCost <= COST_MAX.memoryCost &&
      timeCost <= COST_MAX.timeCost &&
      parallelism <= COST_MAX.parallelism
    )
  } catch {
    return false
  }
}

export interface PasswordsOptions {
  /** Hashed at a time; libuv's pool has four threads, shared with everything else. */
  readonly concurrencyMax: number
  /** How many may wait for their turn; the next is `busy` at once. None by default. */
  readonly queueMax?: number
  readonly random?: Random
}

/**
 * Hashes and checks passwords (argon2id, RFC 9106) off the event loop, a bounded number at a time: a storm of
 * guesses is shed as `busy` and cannot starve what else needs the thread pool.
 */
export class Passwords {
  readonly #concurrencyMax: number
  /** Of a password nobody has: its digest is random. Checking against it costs what a real check costs. */
  readonly #absent: string
  readonly #queueMax: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(options: PasswordsOptions) {
    const { concurrencyMax, queueMax = 0, random = randomBytes } = options
    this.#concurrencyMax = concurrencyMax
    this.#queueMax = queueMax
    this.#absent = phcOf(random(16), random(32))
  }

  /** The PHC string to keep. Throws `invalid_request` for a bad length, `busy` when too many are under way. */
  async hash(password: string): Promise<string> {
    if (!hasGoodLength(password)) {
      throw new GatehouseError('invalid_request', `A password must be 1 to ${PASSWORD_BYTES_MAX} bytes long`)
    }
    const phc = await this.#bounded(() => hash(password, COST))
    if (phc === 'busy') throw new GatehouseError('busy', 'Too many passwords are being hashed, try again')
    return phc
  }

  /** Is this the password of that hash? A hash `isPasswordHash` refuses matches nothing. */
  async verify(phc: string, password: string): Promise<PasswordVerdict> {
    if (!hasGoodLength(password)) return 'mismatch'
    if (!isPasswordHash(phc)) return this.verifyAbsent(password)
    return this.#bounded(async () => ((await verify(phc, password)) ? 'match' : 'mismatch'))
  }

  /** For a user who does not exist: takes as long as `verify`, so that time does not tell who exists. */
  async verifyAbsent(password: string): Promise<'mismatch' | 'busy'> {
    if (!hasGoodLength(password)) return 'mismatch'
    return this.#bounded(async () => {
      await verify(this.#absent, password)
      return 'mismatch' as const
    })
  }

  async #bounded<T>(work: () => Promise<T>): Promise<T | 'busy'> {
    if (this.#running < this.#concurrencyMax) this.#running += 1
    else if (this.#waiting.length >= this.#queueMax) return 'busy'
    else await new Promise<void>((resolve) => this.#waiting.push(resolve)) // Whoever is done hands its place on.
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}

function hasGoodLength(password: string): boolean {
  const bytes = Buffer.byteLength(password)
  return bytes >= 1 && bytes <= PASSWORD_BYTES_MAX
}

/** The PHC string format; its base64 has no padding. */
function phcOf(salt: Uint8Array, digest: Uint8Array): string {
  const [saltText, digestText] = [salt, digest].map((bytes) =>
    Buffer.from(bytes).toString('base64').replace(/=+$/, ''),
  )
  const { memoryCost, timeCost, parallelism } = COST
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${saltText ?? ''}$${digestText ?? ''}`
}
