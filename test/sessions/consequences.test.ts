import { describe, expect, it } from 'vitest'
import { ChangeLog } from '../../src/sessions/change-log.ts'
import { Consequences, type Commit } from '../../src/sessions/consequences.ts'
import type { Gossip } from '../../src/sessions/gossip.ts'
import type { Seen } from '../../src/sessions/seen.ts'

type Listener = Parameters<Gossip['hear']>[1]

/** Replicas that hear each other at once, none of them itself. */
function replicasOf(ids: readonly string[]) {
  const listeners: { readonly self: string; readonly topic: string; readonly listener: Listener }[] = []
  const live = [...ids]
  const replica = (self: string) => {
    const changes = new ChangeLog()
    const state: { seen: Seen } = { seen: { records: 0, users: 0 } }
    const gossip: Gossip = {
      tell: (topic, payload) => {
        for (const each of listeners)
          if (each.topic === topic && each.self !== self) each.listener(payload, self)
      },
      hear: (topic, listener) => void listeners.push({ self, topic, listener }),
    }
    const seen = (): Seen => state.seen
    const consequences = new Consequences({
      self,
      gossip,
      replicas: { live },
      changes,
      seen,
      nowMs: Date.now,
    })
    const read = (revision: number): void => {
      state.seen = { records: revision, users: revision }
      consequences.readOn()
    }
    return { changes, consequences, read }
  }
  return { live, all: ids.map(replica) }
}

const commit: Commit = {
  id: 'C',
  from: 8,
  to: 10,
  seen: { records: 9, users: 0 },
  correlationId: 'why',
  actor: { account: 'A', user: 'admin' },
}

describe('the consequences of a commit', () => {
  it('are those of all replicas, once all have read and judged', async () => {
    const [one, two] = replicasOf(['R1', 'R2']).all
    using following = one!.consequences.follow(commit)
    const change = two!.changes.begin(9, 2)
    one!.read(10)
    two!.read(10)
    expect(await following.within(20)).toMatchObject({ isOver: false })
    change.judged()
    change.tally.affects()
    change.judged()
    change.tally.ended()
    const report = { affected: 1, kicked: 1, left: 0 }
    expect(await following.within(5_000)).toEqual({ report, isOver: true })
  })

  it('are told as far as they go while there is more to come', async () => {
    const [one, two] = replicasOf(['R1', 'R2']).all
    using following = one!.consequences.follow(commit)
    const change = two!.changes.begin(9, 1_000)
    one!.read(10)
    two!.read(10)
    for (let n = 0; n < 10; n += 1) change.tally.affects()
    change.tally.ended()
    const report = { affected: 10, kicked: 1, left: 9 }
    expect(await following.within(600)).toEqual({ report, isOver: false })
  })

  it('are those of its own revisions alone', async () => {
    const [one] = replicasOf(['R1']).all
    for (const revision of [7, 11]) one!.changes.begin(revision, 1).tally.affects()
    one!.read(11)
    using following = one!.consequences.follow(commit)
    expect(await following.within(5_000)).toMatchObject({ report: { affected: 0 }, isOver: true })
  })

  it('are not waited for of a replica that has gone', async () => {
    const { live, all } = replicasOf(['R1', 'R2'])
    all[0]!.read(10)
    using following = all[0]!.consequences.follow(commit)
    live.pop()
    expect(await following.within(5_000)).toMatchObject({ isOver: true })
  })

  it('are laid to whom the commit was of, on every replica', () => {
    const [one, two] = replicasOf(['R1', 'R2']).all
    using following = one!.consequences.follow(commit)
    expect(following).toBeDefined()
    for (const { consequences } of [one!, two!]) {
      expect(consequences.commitOf(9)).toEqual(commit)
      expect(consequences.commitOf(11)).toBeUndefined()
    }
  })
})
