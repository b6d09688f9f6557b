import { afterEach, describe, expect, it } from 'vitest'
import type { Gossip } from '../../src/sessions/gossip.ts'
import { Replicas } from '../../src/sessions/replicas.ts'
import type { Seen } from '../../src/sessions/seen.ts'

type Listener = (payload: unknown, from: string) => void

const listeners = new Map<string, Listener>()
const opened: Replicas[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each[Symbol.dispose]()
  listeners.clear()
})

/** One of several that hear each other at once. */
function replica(self: string, at: { seen: Seen }): Replicas {
  const gossip: Gossip = {
    tell(_topic, payload) {
      for (const [name, listener] of listeners) if (name !== self) listener(payload, self)
    },
    hear: (_topic, listener) => void listeners.set(self, listener),
  }
  const replicas = new Replicas({ self, gossip, seen: () => at.seen, nowMs: Date.now })
  opened.push(replicas)
  return replicas
}

describe('a replica that leaves', () => {
  it('is gone for the others, though it goes on to read and to hear until it is closed', () => {
    const at = { seen: { records: 1, users: 1 } }
    const stays = replica('stays', { seen: { records: 1, users: 1 } })
    const leaves = replica('leaves', at)
    expect(stays.live).toEqual(['stays', 'leaves'])
    leaves[Symbol.dispose]()
    expect(stays.live).toEqual(['stays'])
    at.seen = { records: 2, users: 1 }
    leaves.readOn()
    const comes = replica('comes', { seen: { records: 2, users: 1 } })
    expect([stays.live, comes.live]).toEqual([
      ['stays', 'comes'],
      ['comes', 'stays'],
    ])
  })
})
