import { holdKey, usedKey } from '../domain/state-keys.ts'
import type { Hold, Write } from './state-store.ts'

/**
 * Has the writes of one commit ask for what it holds. Each write can ask one thing. Those that need to ask nothing for
 * themselves carry a hold: an event, whose key is new, and the index of who uses what, which changes only with the
 * record of who uses it. For holds that are more than these there are markers of their own, so there is room for all.
 */
export function carrying(writes: readonly Write[], holds: readonly Hold[]): readonly Write[] {
  const left = [...holds]
  const carriers = writes.map((write) => {
    const expected = isCarrier(write) ? left.shift() : undefined
    return expected === undefined ? write : { ...write, expected }
  })
  return [...carriers, ...left.map((expected, n) => ({ key: holdKey(n), value: undefined, expected }))]
}

function isCarrier({ key }: Write): boolean {
  return key.startsWith('event.') || usedKey(key) !== undefined
}
