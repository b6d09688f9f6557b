import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Quota } from '../../src/domain/quota.ts'
import { EventBounds } from '../../src/nats/event-quota.ts'

const perKey = { burst: 3, refillMs: 100, keysMax: 50 }

interface Item {
  readonly who: string
  readonly n: number
}

function bounds(options: ConstructorParameters<typeof EventBounds>[1]) {
  const published: { who: string; n: number; count: number }[] = []
  const events = new EventBounds<Item>(
    {
      keysOf: ({ who }) => [who],
      publish: (item, count) => published.push({ ...item, count }),
      anonymous: ({ n }) => ({ who: '', n }),
    },
    options,
  )
  return { events, published }
}

describe('a quota', () => {
  it('gives its burst at once, and one more after each while, up to the burst', () => {
    const quota = new Quota(perKey)
    const takes = (nowMs: number): number => {
      let n = 0
      while (quota.take('a', nowMs)) n += 1
      return n
    }
    expect([takes(0), takes(99), takes(100), takes(350), takes(400), takes(100_000)]).toEqual([
      3, 0, 1, 2, 1, 3,
    ])
  })

  it('is each key’s own', () => {
    const quota = new Quota(perKey)
    for (let n = 0; n < 10; n += 1) quota.take('a', 0)
    expect([quota.take('a', 0), quota.take('b', 0)]).toEqual([false, true])
  })

  it('forgets whoever was not heard of for longest, and not who is loud', () => {
    const quota = new Quota({ ...perKey, keysMax: 2 })
    for (let n = 0; n < 3; n += 1) quota.take('loud', 0)
    for (const key of ['b', 'c', 'd']) {
      expect(quota.has('loud', 0)).toBe(false)
      quota.take(key, 0)
    }
  })

  it('never gives more than burst and growth, whenever it is asked', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 }), (pauses) => {
        const quota = new Quota(perKey)
        let nowMs = 0
        let taken = 0
        for (const pause of pauses) {
          nowMs += pause
          if (quota.take('a', nowMs)) taken += 1
        }
        expect(taken).toBeLessThanOrEqual(perKey.burst + Math.floor(nowMs / perKey.refillMs))
      }),
    )
  })
})

describe('bounded events', () => {
  it('tell of everything, each by itself or in a count, and nothing twice', () => {
    const offers = fc.array(fc.record({ who: fc.constantFrom('a', 'b', 'c'), pause: fc.nat(40) }))
    fc.assert(
      fc.property(offers, (asked) => {
        const { events, published } = bounds({ perKey, overall: { burst: 5, refillMs: 50 } })
        let nowMs = 0
        for (const [n, { who, pause }] of asked.entries()) {
          nowMs += pause
          events.offer({ who, n }, nowMs)
        }
        events.release()
        events.release()
        for (const name of ['a', 'b', 'c']) {
          const told = published.filter(({ who }) => who === name).reduce((sum, { count }) => sum + count, 0)
          expect(told).toBe(asked.filter(({ who }) => who === name).length)
        }
      }),
    )
  })

  it('spend nothing of one key where another has none left', () => {
    const published: string[] = []
    const events = new EventBounds<readonly string[]>(
      {
        keysOf: (keys) => keys,
        publish: (keys) => void published.push(keys.join()),
        anonymous: () => undefined,
      },
      { perKey },
    )
    for (let n = 0; n < 3; n += 1) events.offer(['spent'], 0)
    for (let n = 0; n < 9; n += 1) events.offer(['rich', 'spent'], 0)
    for (let n = 0; n < 3; n += 1) events.offer(['rich'], 0)
    expect(published).toEqual([...Array<string>(3).fill('spent'), ...Array<string>(3).fill('rich')])
  })

  it('sum up under no name where too many names are too loud', () => {
    const { events, published } = bounds({ perKey: { ...perKey, burst: 1, keysMax: 1_000 } })
    for (let n = 0; n < 100; n += 1)
      for (let again = 0; again < 3; again += 1) events.offer({ who: `w${n}`, n }, 0)
    events.release()
    expect(published).toHaveLength(100 + 25 + 1)
    expect(published.at(-1)).toMatchObject({ who: '', count: 2 * 75 })
  })
})
