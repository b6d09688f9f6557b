import { describe, expect, it } from 'vitest'
import { Replays } from '../../src/callout/replays.ts'

/** As in replays.ts. */
const WINDOW_MS = 30_000
const KEYS_MAX = 100_000
const START = 1_800_000_000_000

describe('a key is a replay', () => {
  it('from the second time on', () => {
    const replays = new Replays()
    expect([1, 2, 3].map(() => replays.isReplay('U1', START))).toEqual([false, true, true])
    expect(replays.isReplay('U2', START)).toBe(false)
  })

  it.each([0, 1, WINDOW_MS - 1, WINDOW_MS, 2 * WINDOW_MS - 1])('still after %d ms', (ms) => {
    const replays = new Replays()
    replays.isReplay('U1', START)
    expect(replays.isReplay('U1', START + ms)).toBe(true)
  })

  it('for a whole window, also when it came late in a generation', () => {
    const replays = new Replays()
    replays.isReplay('early', START)
    replays.isReplay('late', START + WINDOW_MS - 1)
    replays.isReplay('next', START + WINDOW_MS)
    expect(replays.isReplay('late', START + 2 * WINDOW_MS - 1)).toBe(true)
  })

  it('though the clock goes back', () => {
    const replays = new Replays()
    replays.isReplay('U1', START)
    expect(replays.isReplay('U1', START - 3_600_000)).toBe(true)
  })
})

describe('memory is bounded', () => {
  it('in time: two windows later nothing is left', () => {
    const replays = new Replays()
    replays.isReplay('U1', START)
    expect(replays.isReplay('U1', START + 2 * WINDOW_MS)).toBe(false)
  })

  it('in number: the older generation goes as a whole, the younger one stays', () => {
    const replays = new Replays()
    for (let i = 0; i < KEYS_MAX; i += 1) replays.isReplay(`old-${i}`, START)
    expect(replays.isReplay('old-0', START)).toBe(true)
    for (let i = 0; i < KEYS_MAX; i += 1) replays.isReplay(`young-${i}`, START)
    expect(replays.isReplay('young-0', START)).toBe(true)
    replays.isReplay('one more', START)
    expect(replays.isReplay('young-1', START)).toBe(true)
    expect(replays.isReplay('old-1', START)).toBe(false)
  })
})
