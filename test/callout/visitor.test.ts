import { describe, expect, it } from 'vitest'
import { authenticate, type PasswordCheck } from '../../src/callout/authenticate.ts'
import { Denial, DENY_REASONS } from '../../src/callout/reason.ts'
import type { Throttle } from '../../src/callout/throttle.ts'
import { Visitor } from '../../src/callout/visitor.ts'
import type { ThrottleReport } from '../../src/callout/throttle-report.ts'
import { directoryOf } from '../support/records.ts'
import { anAccount, askingServer, aUser, NOW_MS } from '../support/requests.ts'
import { aThrottle, outOfBudget } from '../support/throttles.ts'

const server = askingServer({ account: 'A' })
const visitor = (throttle: Throttle, host?: string) => {
  const claims = {
    ...server.claims({ client: { host } as { host: string } }),
    iss: server.id,
    jti: '',
    iat: 0,
  }
  return new Visitor({ claims, replyTo: undefined }, { throttle, nowMs: () => NOW_MS })
}
const sourceOf = (host?: string): string | undefined => {
  const throttle = aThrottle()
  visitor(throttle, host).refused(new Denial('no_credential'))
  return throttle.report()?.refusals[0]?.source
}

describe('a visitor', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::ffff:a01:203', '10.1.2.3'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['::1', '::/64'],
    ['pipe', 'unknown'],
    ['', 'unknown'],
    [undefined, 'unknown'],
  ])('from %s counts for %s', (host, source) => {
    expect(sourceOf(host)).toBe(source)
  })

  it('costs its source a failure when it did not prove itself, and only then', () => {
    const throttle = aThrottle()
    const costly = DENY_REASONS.filter((reason) => {
      visitor(throttle, '10.1.2.3').refused(new Denial(reason))
      return throttle.report() !== undefined
    })
    expect(costly).toEqual([
      'no_credential',
      'unknown_credential',
      'wrong_password',
      'wrong_signature',
      'ambiguous_user',
      'locked_out',
      'source_over_budget',
    ])
  })

  it('is left without an answer only if it did not prove itself', () => {
    const throttle = aThrottle({ sourceFailures: 1 })
    throttle.refused('10.1.2.3', NOW_MS)
    const silent = (reason: 'outside_window' | 'wrong_password', host: string): boolean =>
      visitor(throttle, host).refused(new Denial(reason))
    expect(silent('outside_window', '10.1.2.3')).toBe(false)
    expect(silent('wrong_password', '10.9.9.9')).toBe(false) // It was the last that 10.9.9.9 had.
    expect(silent('wrong_password', '10.9.9.9')).toBe(true)
    expect(silent('wrong_password', '10.1.2.3')).toBe(true)
  })
})

const account = anAccount()
const user = aUser({
  account: account.id,
  name: 'alice',
  id: 'alice',
  credentials: [{ id: 'P', kind: 'password', hash: 'right', createdAt: '2026-01-01T00:00:00Z' }],
})
const directory = directoryOf({ accounts: [account], policies: [], users: [user] })

/** Checks that are over when somebody says so; the password is its hash. */
function slowly() {
  const under: (() => void)[] = []
  let hashed = 0
  const once = async (): Promise<void> => {
    hashed += 1
    await new Promise<void>((resolve) => under.push(resolve))
  }
  const passwords: PasswordCheck = {
    verify: async (phc, password) => {
      await once()
      return phc === password ? 'match' : 'mismatch'
    },
    verifyAbsent: async () => {
      await once()
      return 'mismatch'
    },
  }
  const finish = (): void => under.splice(0).forEach((resolve) => resolve())
  return { passwords, finish, hashed: () => hashed }
}

describe('a password', () => {
  const tried = async (throttle: Throttle, login: string, guesses: readonly string[]) => {
    const { passwords, finish, hashed } = slowly()
    const by = { directory, passwords, visitor: visitor(throttle, '10.1.2.3') }
    const outcomes = guesses.map((password) =>
      authenticate([{ kind: 'password', user: login, password }], by),
    )
    await new Promise((resolve) => setImmediate(resolve))
    finish()
    const reasons = await Promise.all(
      outcomes.map(async (outcome) => {
        const proven = await outcome
        return proven instanceof Denial ? proven.reason : proven.user.name
      }),
    )
    return { reasons, hashed: hashed() }
  }

  it('that is right tells nothing after five at the same time were wrong', async () => {
    const guesses = ['1', '2', '3', '4', '5', 'right', '7']
    const { reasons } = await tried(aThrottle(), 'alice', guesses)
    expect(reasons).toEqual([...Array<string>(5).fill('wrong_password'), 'locked_out', 'locked_out'])
  })

  it('costs a hash whether somebody is locked out, or is there at all', async () => {
    const throttle = aThrottle()
    const six = ['1', '2', '3', '4', '5', '6']
    expect((await tried(throttle, 'alice', six)).hashed).toBe(6)
    expect(await tried(throttle, 'alice', ['right'])).toEqual({ reasons: ['locked_out'], hashed: 1 })
    expect((await tried(throttle, 'nobody', six)).hashed).toBe(6)
    expect(await tried(throttle, 'nobody', ['7'])).toEqual({ reasons: ['unknown_credential'], hashed: 1 })
  })

  it('of a source that has failed too often costs none, but that of somebody who is at home there', async () => {
    const throttle = outOfBudget('10.1.2.3', NOW_MS)
    const refused = { reasons: ['source_over_budget'], hashed: 0 }
    expect(await tried(throttle, 'alice', ['right'])).toEqual(refused)
    throttle.hear({ logins: [{ user: 'bob', source: '10.1.2.3' }], failures: [], refusals: [] }, NOW_MS)
    expect(await tried(throttle, 'alice', ['right'])).toEqual(refused)
    expect(await tried(throttle, 'nobody', ['right'])).toEqual(refused)
    const login: ThrottleReport = {
      logins: [{ user: 'alice', source: '10.1.2.3' }],
      failures: [],
      refusals: [],
    }
    throttle.hear(login, NOW_MS)
    expect(await tried(throttle, 'alice', ['right'])).toEqual({ reasons: ['alice'], hashed: 1 })
  })
})
