import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FAMILIAR_MAX, FAMILIAR_MS } from '../../src/callout/familiar-sources.ts'
import type { Throttle, ThrottleKeeper } from '../../src/callout/throttle.ts'
import type { FamiliarSource, Lockout, Whose } from '../../src/domain/lockout.ts'
import { aThrottle } from '../support/throttles.ts'

const MINUTE = 60_000
const whose = (user: string): Whose => ({ account: 'A', user, name: `${user}@example.com` })

function keeping() {
  const kept: Lockout[] = []
  const familiar: { user: string; sources: readonly FamiliarSource[] }[] = []
  const keeper: ThrottleKeeper = {
    lockedOut: (lockout) => kept.push(lockout),
    familiar: ({ user }, sources) => familiar.push({ user, sources }),
  }
  return { kept, familiar, keeper }
}

function fail(throttle: Throttle, { user = 'u', source = 's', times = 1, atMs = 0 }): void {
  for (let n = 0; n < times; n += 1) throttle.failed(whose(user), source, atMs)
}

describe('a user at a source', () => {
  it('is locked out there by five wrong passwords in a quarter of an hour, for a quarter of an hour', () => {
    const { kept, keeper } = keeping()
    const throttle = aThrottle({}, keeper)
    for (const atMs of [0, 1, 2, 15 * MINUTE - 1]) fail(throttle, { atMs })
    expect(throttle.lockoutOf('u', 's', 15 * MINUTE - 1)).toBeUndefined()
    const atMs = 15 * MINUTE
    fail(throttle, { atMs }) // The first of them is a quarter of an hour old.
    expect(throttle.lockoutOf('u', 's', atMs)).toBeUndefined()
    fail(throttle, { atMs: atMs + 0.5 })

    const untilMs = atMs + 0.5 + 15 * MINUTE
    const expected = { ...whose('u'), source: 's', failures: 5, sinceMs: atMs + 0.5, untilMs }
    expect(kept).toEqual([expected])
    expect(throttle.lockoutOf('u', 's', untilMs - 1)).toEqual(expected)
    expect(throttle.lockouts(untilMs - 1)).toEqual([expected])
    expect(throttle.lockoutOf('u', 's', untilMs)).toBeUndefined()
    expect(throttle.lockouts(untilMs)).toEqual([])
  })

  it('is let try again as often as at first when that is over', () => {
    const throttle = aThrottle()
    fail(throttle, { times: 5 })
    fail(throttle, { times: 4, atMs: 15 * MINUTE })
    expect(throttle.lockoutOf('u', 's', 15 * MINUTE)).toBeUndefined()
  })

  it('is nobody else, and nowhere else', () => {
    const throttle = aThrottle()
    fail(throttle, { times: 5 })
    expect(throttle.lockoutOf('v', 's', 1)).toBeUndefined()
    expect(throttle.lockoutOf('u', 't', 1)).toBeUndefined()
  })

  it('begins anew with every right password', () => {
    const { kept, keeper } = keeping()
    const throttle = aThrottle({}, keeper)
    for (let n = 0; n < 5; n += 1) {
      fail(throttle, { times: 4 })
      throttle.loggedIn(whose('u'), 's', 0)
    }
    expect(kept).toEqual([])
  })

  it('begins anew when it is released', () => {
    const throttle = aThrottle()
    fail(throttle, { times: 5 })
    throttle.release('u', 's')
    fail(throttle, { times: 4 })
    expect(throttle.countedSources('u')).toEqual(['s'])
    throttle.release('u', 's')
    fail(throttle, { times: 4 })
    expect(throttle.lockoutOf('u', 's', 1)).toBeUndefined()
  })
})

describe('a user everywhere', () => {
  const strangers = (throttle: Throttle, count: number): void => {
    for (let n = 0; n < count; n += 1) fail(throttle, { source: `stranger ${n}` })
  }

  it('is locked out by fifty wrong passwords, but not where it logged in lately', () => {
    const { kept, keeper } = keeping()
    const throttle = aThrottle({}, keeper)
    throttle.loggedIn(whose('u'), 'home', -FAMILIAR_MS + 1)
    strangers(throttle, 49)
    expect(throttle.lockoutOf('u', 'cafe', 0)).toBeUndefined()
    strangers(throttle, 1)
    expect(kept.map(({ source, failures }) => [source, failures])).toEqual([[undefined, 50]])
    expect(throttle.lockoutOf('u', 'cafe', 0)).toEqual(kept[0])
    expect(throttle.lockoutOf('u', 'home', 0)).toBeUndefined()
    expect(throttle.lockoutOf('u', 'home', 1)).toEqual(kept[0]) // A week ago, to the millisecond.
  })

  it('is locked out at home as well, by who guesses there', () => {
    const throttle = aThrottle()
    throttle.loggedIn(whose('u'), 'home', 0)
    strangers(throttle, 50)
    fail(throttle, { source: 'home', times: 5 })
    expect(throttle.lockoutOf('u', 'home', 0)).toMatchObject({ source: 'home' })
  })

  it('is at home where it was last, in so many places', () => {
    const throttle = aThrottle()
    for (let n = 0; n <= FAMILIAR_MAX; n += 1) throttle.loggedIn(whose('u'), `home ${n}`, n)
    const isHome = (n: number): boolean => throttle.isFamiliar('u', `home ${n}`, FAMILIAR_MAX)
    expect([isHome(0), isHome(1), isHome(FAMILIAR_MAX)]).toEqual([false, true, true])
  })

  it('tells of a place once a day, however often it logs in', () => {
    const { familiar, keeper } = keeping()
    const throttle = aThrottle({}, keeper)
    for (const hours of [0, 1, 23, 24, 25]) throttle.loggedIn(whose('u'), 'home', hours * 60 * MINUTE)
    expect(familiar.map(({ sources }) => sources)).toEqual(
      [0, 24].map((hours) => [{ source: 'home', atMs: hours * 60 * MINUTE }]),
    )
  })
})

describe('a source', () => {
  it('has so many failures, and one more after each while', () => {
    const throttle = aThrottle({ sourceFailures: 3, sourceRefillMs: 10 })
    for (let n = 0; n < 3; n += 1) {
      expect(throttle.isOverBudget('s', 0)).toBe(false)
      throttle.refused('s', 0)
    }
    expect([throttle.isOverBudget('s', 9), throttle.isOverBudget('s', 10)]).toEqual([true, false])
    expect(throttle.isOverBudget('t', 0)).toBe(false)
  })

  it('is left without an answer only when it has none left, and only so many at a time', () => {
    const throttle = aThrottle({ sourceFailures: 1, sourceRefillMs: 1_000, silentMax: 2 })
    expect(throttle.staysSilent('s', 50, 0)).toBe(false)
    throttle.refused('s', 0)
    expect([1, 2, 3].map(() => throttle.staysSilent('s', 50, 0))).toEqual([true, true, false])
    expect(throttle.staysSilent('s', 99, 49)).toBe(false)
    expect(throttle.staysSilent('s', 99, 50)).toBe(true)
  })
})

const people = fc.constantFrom('u', 'v', 'w')
const places = fc.constantFrom('1', '2', '3', '4')
const tries = fc.record({
  user: people,
  source: places,
  isRight: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  /** Since the one before. */
  afterMs: fc.integer({ min: 0, max: 40 }),
  replica: fc.nat(2),
})
type Try = typeof tries extends fc.Arbitrary<infer Each> ? Each : never
const OPTIONS = { failures: 3, userFailures: 7, windowMs: 100, lockoutMs: 100 }

/** What the door does with a password: asks, and tells what it came to. */
function meets(throttle: Throttle, { user, source, isRight }: Try, nowMs: number): 'out' | 'in' | 'wrong' {
  if (throttle.lockoutOf(user, source, nowMs) !== undefined) return 'out'
  if (isRight) throttle.loggedIn(whose(user), source, nowMs)
  else throttle.failed(whose(user), source, nowMs)
  return isRight ? 'in' : 'wrong'
}

describe('whatever is tried', () => {
  it('replicas that tell each other decide as one would', () => {
    fc.assert(
      fc.property(fc.array(tries, { maxLength: 80 }), (all) => {
        const alone = aThrottle(OPTIONS)
        const replicas = [0, 1, 2].map(() => aThrottle(OPTIONS))
        let nowMs = 0
        for (const each of all) {
          nowMs += each.afterMs
          const asked = replicas[each.replica]!
          expect(meets(asked, each, nowMs)).toBe(meets(alone, each, nowMs))
          const report = asked.report()
          for (const other of replicas)
            if (other !== asked && report !== undefined)
              other.hear(JSON.parse(JSON.stringify(report)) as typeof report, nowMs)
        }
      }),
    )
  })

  it('nobody tries more wrong passwords of a user than it says, between two right ones', () => {
    fc.assert(
      fc.property(fc.array(tries, { maxLength: 120 }), (all) => {
        const throttle = aThrottle(OPTIONS)
        const wrong = new Map<string, number[]>()
        let nowMs = 0
        for (const each of all) {
          nowMs += each.afterMs
          const pair = `${each.user} ${each.source}`
          const met = meets(throttle, each, nowMs)
          if (met === 'in') wrong.delete(pair)
          if (met !== 'wrong') continue
          const within = [...(wrong.get(pair) ?? []), nowMs].filter((atMs) => nowMs - atMs < OPTIONS.windowMs)
          wrong.set(pair, within)
          expect(within.length).toBeLessThanOrEqual(OPTIONS.failures)
        }
      }),
    )
  })

  it('whoever guesses elsewhere keeps nobody out where it is at home', () => {
    fc.assert(
      fc.property(fc.array(tries, { maxLength: 120 }), (all) => {
        const throttle = aThrottle(OPTIONS)
        throttle.loggedIn(whose('u'), 'home', 0)
        let nowMs = 0
        for (const each of all) {
          nowMs += each.afterMs
          meets(throttle, { ...each, isRight: false }, nowMs)
          expect(throttle.lockoutOf('u', 'home', nowMs)).toBeUndefined()
        }
      }),
    )
  })

  it('a lockout ends, and says when', () => {
    fc.assert(
      fc.property(fc.array(tries, { maxLength: 120 }), (all) => {
        const throttle = aThrottle(OPTIONS)
        let nowMs = 0
        for (const each of all) {
          nowMs += each.afterMs
          meets(throttle, each, nowMs)
          for (const { user, source = 'elsewhere', untilMs } of throttle.lockouts(nowMs)) {
            expect(untilMs - nowMs).toBeLessThanOrEqual(OPTIONS.lockoutMs)
            const held = throttle.lockoutOf(user, source, untilMs - 1)
            expect(held === undefined || held.untilMs >= untilMs).toBe(true)
          }
        }
        expect(throttle.lockouts(nowMs + OPTIONS.lockoutMs)).toEqual([])
      }),
    )
  })
})

it('a million sources take no more memory than some hundred thousand', () => {
  const throttle = aThrottle()
  const sizes: number[] = []
  for (let n = 0; n < 1_000_000; n += 1) {
    throttle.refused(`10.${n}`, n)
    if (n % 5 === 0) fail(throttle, { user: `u${n % 300_000}`, source: `10.${n}` })
    if (n % 50 === 0) throttle.loggedIn(whose(`v${n}`), `11.${n}`, n)
    if (n % 33_333 === 0) sizes.push(throttle.size)
  }
  expect(Math.max(...sizes)).toBeGreaterThan(80_000)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(220_000)

  const report = throttle.report()!
  const { logins, failures, refusals } = report
  for (const told of [logins, failures, refusals]) expect(told.length).toBeLessThanOrEqual(1_000)
  expect(JSON.stringify(report).length).toBeLessThan(500_000) // It fits one message.
  expect(throttle.report()).toBeUndefined()
})
