import { describe, expect, it } from 'vitest'
import { reviewLines } from '../../src/cli/review-output.ts'
import type { Review } from '../../src/domain/review.ts'
import { listenedShell } from '../support/shell.ts'

const { out } = listenedShell().shell.terminal
const none: Review = { refused: [], gains: [], losses: [], changes: [], affected: [] }
const nothing = { publish: [], subscribe: [], permissions: [], other: [] }
const users = ['alice', 'bob'].map((user) => ({ account: 'SHOP', user }))

describe('a review for people', () => {
  it('tells first who would not be let in, then gains, losses and changes', () => {
    const lines = reviewLines(
      out,
      {
        ...none,
        refused: [{ why: 'policy "p" asks for {{user.metadata.k}}', users: users.slice(0, 1) }],
        gains: [{ what: { ...nothing, publish: ['a'], other: ['lifetime 8h (was 1h)'] }, users }],
        losses: [{ what: { ...nothing, subscribe: ['b workers'] }, users }],
        changes: [{ what: { ...nothing, other: ['sources 10.0.0.0/8 (was fd00::/8)'] }, users }],
      },
      1,
    )
    expect(lines).toEqual([
      '1 user of SHOP would not be let in: policy "p" asks for {{user.metadata.k}}: alice',
      '2 users of SHOP gain publish a; lifetime 8h (was 1h): alice, 1 more',
      '2 users of SHOP lose subscribe "b workers": alice, 1 more',
      '2 users of SHOP have changed limits: sources 10.0.0.0/8 (was fd00::/8): alice, 1 more',
    ])
  })

  it('says a permission instead of its subjects, and of the rest eight on each side', () => {
    const rest = Array.from({ length: 20 }, (_, i) => `s${i}`)
    const kv = { says: 'kv stock: read', publish: ['$JS.API.STREAM.INFO.KV_stock'], subscribe: ['k'] }
    const what = { publish: [...kv.publish, ...rest], subscribe: ['k'], permissions: [kv], other: ['x'] }
    expect(reviewLines(out, { ...none, gains: [{ what, users }] }, 0)).toEqual([
      '2 users of SHOP gain kv stock: read; publish s0, s1, s2, s3, s4, s5, s6, s7 and 12 more; x',
    ])
  })

  it('says so when nobody is touched, and not when somebody is kept out', () => {
    expect(reviewLines(out, none, 10)).toEqual(['Nobody gains or loses anything.'])
    expect(reviewLines(out, { ...none, refused: [{ why: 'so', users }] }, 10)).toEqual([
      '2 users of SHOP would not be let in: so: alice, bob',
    ])
  })
})
