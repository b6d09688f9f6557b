import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { surplusOf, type SessionLimits } from '../../src/sessions/surplus.ts'
import { aSession } from './sessions.ts'

const sessions = fc
  .array(
    fc.record({
      credential: fc.constantFrom('T', 'P', 'N'),
      second: fc.integer({ min: 0, max: 5 }),
      isLeaf: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  .map((all) =>
    all.map(({ credential, second, isLeaf }, cid) =>
      aSession({
        cid,
        credential,
        since: `2026-11-21T12:00:0${second}.000Z`,
        client: { kind: isLeaf ? 'Leafnode' : 'Client' },
      }),
    ),
  )
const most = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constant(Infinity))
const limits: fc.Arbitrary<SessionLimits> = fc.record({
  perUser: most,
  perCredential: most,
  keep: fc.constantFrom('oldest', 'newest'),
})

describe('the surplus of a user', () => {
  it('leaves what the limits allow, and as much as they do', () => {
    fc.assert(
      fc.property(sessions, limits, (all, { perUser, perCredential, keep }) => {
        const surplus = surplusOf(all, { perUser, perCredential, keep })
        const left = all.filter((session) => session.client.kind === 'Client' && !surplus.includes(session))
        const counts = ['T', 'P', 'N'].map((of) => left.filter(({ credential }) => credential === of).length)
        expect(left.length).toBeLessThanOrEqual(perUser)
        for (const count of counts) expect(count).toBeLessThanOrEqual(perCredential)
        for (const { credential } of surplus)
          expect(
            left.length === perUser ||
              left.filter((other) => other.credential === credential).length === perCredential,
          ).toBe(true)
      }),
    )
  })

  it('is the same in whatever order they are heard of', () => {
    fc.assert(
      fc.property(sessions, limits, (all, most) => {
        expect(surplusOf([...all].reverse(), most)).toEqual(surplusOf(all, most))
      }),
    )
  })

  it('is the newest, or the oldest, as is said', () => {
    fc.assert(
      fc.property(sessions, fc.integer({ min: 0, max: 4 }), (all, perUser) => {
        const counted = all.filter(({ client }) => client.kind === 'Client')
        for (const keep of ['oldest', 'newest'] as const) {
          const surplus = surplusOf(all, { perUser, perCredential: Infinity, keep })
          const left = counted.filter((session) => !surplus.includes(session))
          for (const { since: stays } of left)
            for (const { since: goes } of surplus)
              expect(keep === 'oldest' ? stays <= goes : stays >= goes).toBe(true)
        }
      }),
    )
  })

  it('counts one whose credential nobody knows for the user alone', () => {
    const since = '2026-11-21T12:00:00.000Z'
    const adopted = aSession({ cid: 9, credential: '', since: '2026-11-21T11:00:00.000Z' })
    const all = [adopted, aSession({ cid: 1, since }), aSession({ cid: 2, since })]
    const ended = (limits: Partial<SessionLimits>) =>
      surplusOf(all, { perUser: Infinity, perCredential: Infinity, keep: 'oldest', ...limits }).map(
        ({ cid }) => cid,
      )
    expect(ended({ perCredential: 1 })).toEqual([2])
    expect(ended({ perUser: 1 })).toEqual([1, 2])
  })
})
