import { describe, expect, it } from 'vitest'
import { Touch, type TouchOptions } from '../../src/nats/touch.ts'
import { Lag } from '../../src/sessions/lag.ts'

const HOUR = 3_600_000
const at = (n: number) => ({ records: n, users: n })

/** A replica whose clock is set by hand. */
function touchOf(more: Partial<TouchOptions> = {}) {
  const clock = { nowMs: 1_000_000 }
  const touch = new Touch({
    upToDate: () => Promise.resolve(),
    isBehind: () => false,
    staleMsMax: HOUR,
    nowMs: () => clock.nowMs,
    ...more,
  })
  return { clock, touch }
}
const away = () => Promise.reject(new Error('JetStream does not answer'))

describe('what is in memory', () => {
  it('is decided by at once while it was confirmed a moment ago', () => {
    using touch = touchOf({ upToDate: away }).touch
    expect(touch.isGood()).toBe(true)
  })

  it('is confirmed first by a replica that stood still', async () => {
    let asked = 0
    const { clock, touch } = touchOf({ upToDate: () => Promise.resolve(void (asked += 1)) })
    clock.nowMs += 10 * HOUR
    expect(await touch.isGood()).toBe(true)
    expect(asked).toBe(1)
    touch[Symbol.dispose]()
  })

  it('is good for so long, and no longer, while the state cannot be asked', async () => {
    const { clock, touch } = touchOf({ upToDate: away })
    clock.nowMs += HOUR
    expect(await touch.isGood()).toBe(true)
    expect(touch.isGood()).toBe(true) // It has just been asked in vain: nobody waits for that again.
    clock.nowMs += 1
    expect(await touch.isGood()).toBe(false)
    touch[Symbol.dispose]()
  })

  it('is not decided by when others are known to have read on, and the state cannot be asked', async () => {
    const { clock, touch } = touchOf({ upToDate: away, isBehind: () => true })
    clock.nowMs += 10_000
    expect(await touch.isGood()).toBe(false)
    touch[Symbol.dispose]()
  })
})

describe('a replica', () => {
  it('is behind once it has not read for long what others had', () => {
    const lag = new Lag(5_000)
    expect(lag.isBehind(at(1), at(2), 0)).toBe(false)
    expect(lag.isBehind(at(1), at(9), 5_000)).toBe(false)
    expect(lag.isBehind(at(1), at(9), 5_001)).toBe(true)
    expect(lag.isBehind(at(2), at(9), 5_002)).toBe(false)
  })

  it('is not behind while it reads on, however much there is to read', () => {
    const lag = new Lag(5_000)
    for (let n = 0; n < 100; n += 1) expect(lag.isBehind(at(n), at(n + 1), n * 4_000)).toBe(false)
  })
})
