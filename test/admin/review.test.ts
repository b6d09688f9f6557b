import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { afterSteps } from '../../src/admin/after-steps.ts'
import { declaredCensus } from '../../src/admin/declared-census.ts'
import { parseDocuments } from '../../src/admin/documents.ts'
import type { Step } from '../../src/admin/steps.ts'
import { holdings, memberKey, type Census } from '../../src/domain/census.ts'
import { review } from '../../src/domain/review.ts'
import { mayPublish, maySubscribe } from '../../src/domain/verdict.ts'

function censusOf(...documents: object[]): Census {
  const text = documents.map((each) => JSON.stringify(each)).join('\n---\n')
  return declaredCensus(parseDocuments([{ path: 'd.yaml', text }]))
}

const policy = (name: string, facts: object = {}): object => ({ kind: 'policy', name, ...facts })
const base = policy('base', { publish: { allow: ['whoami'] } })
const shop = (...users: object[]): object => ({ kind: 'account', name: 'SHOP', users })
const step = (name: string, payload: Step['payload']): Step => ({
  ...{ name, payload, target: '', change: 'create', fields: [] },
})
const nothing = { publish: [], subscribe: [], permissions: [], other: [] }

describe('the review of a change', () => {
  it('groups users who gain the same, and tells losses apart from gains', () => {
    const users = shop(
      { name: 'alice', policies: ['dev'] },
      { name: 'bob', roles: ['lead'] },
      { name: 'carol' },
    )
    const lead = { kind: 'role', name: 'lead', policies: ['dev'] }
    const before = censusOf(base, users, lead, policy('dev', { publish: { allow: ['a', 'b'] } }))
    const after = censusOf(
      base,
      users,
      lead,
      policy('dev', { publish: { allow: ['a', 'c.>'] }, subscribe: { allow: ['d'] } }),
    )
    const both = ['alice', 'bob'].map((user) => ({ account: 'SHOP', user }))
    expect(review(before, after)).toEqual({
      refused: [],
      gains: [{ what: { ...nothing, publish: ['c.>'], subscribe: ['d'] }, users: both }],
      losses: [{ what: { ...nothing, publish: ['b'] }, users: both }],
      changes: [],
      affected: both,
    })
  })

  it('says ACCOUNT_ID and USER_ID where ids will be, of an account that is yet to be made, too', () => {
    const own = policy('own', { publish: { allow: ['x.{{account.id}}.{{account.name}}.{{user.id}}'] } })
    const [before] = [censusOf(base, own)]
    const after = afterSteps(before, [
      step('account.create', { name: 'NEWC' }),
      step('user.create', { account: 'NEWC', name: 'u', policies: ['own'] }),
    ])
    expect(review(before, after).gains.map(({ what }) => what.publish)).toEqual([
      ['whoami', 'x.ACCOUNT_ID.NEWC.USER_ID'],
    ])
  })

  it('follows roles within roles', () => {
    const users = shop({ name: 'bob', roles: ['lead'] })
    const inner = (...policies: string[]): object => ({ kind: 'role', name: 'inner', policies })
    const lead = { kind: 'role', name: 'lead', roles: ['inner'] }
    const dev = policy('dev', { publish: { allow: ['a'] } })
    const { gains, losses } = review(
      censusOf(base, users, lead, inner(), dev),
      censusOf(base, users, lead, inner('dev'), dev),
    )
    const bob = { account: 'SHOP', user: 'bob' }
    expect([gains, losses]).toEqual([[{ what: { ...nothing, publish: ['a'] }, users: [bob] }], []])
  })

  it('follows default and boundary, and who comes and who goes', () => {
    const account = (facts: object, ...names: string[]): object => ({
      ...{ kind: 'account', name: 'SHOP', users: names.map((name) => ({ name })) },
      ...facts,
    })
    const wide = policy('wide', { publish: { allow: ['whoami', 'orders.>'] } })
    const cap = policy('cap', { publish: { allow: ['orders.new'] } })
    const before = censusOf(base, wide, cap, account({}, 'alice', 'gone'))
    const after = censusOf(
      ...[base, wide, cap, account({ defaultPolicy: 'wide', boundaryPolicy: 'cap' }, 'alice', 'new')],
    )
    const found = review(before, after)
    expect(found.gains).toEqual([
      {
        what: { ...nothing, publish: ['orders.new'] },
        users: [
          { account: 'SHOP', user: 'alice' },
          { account: 'SHOP', user: 'new' },
        ],
      },
    ])
    expect(found.losses.map(({ what, users }) => [what.publish, users.map(({ user }) => user)])).toEqual([
      [['whoami'], ['alice', 'gone']],
    ])
    expect(found.affected.map(({ user }) => user)).toEqual(['alice', 'gone'])
  })

  it('tells answers and limits in words', () => {
    const users = shop({ name: 'alice', policies: ['p'] })
    const before = censusOf(
      base,
      users,
      policy('p', {
        publish: { allow: ['a'] },
        limits: { lifetime: '8h', sources: ['10.0.0.0/8'], connectionTypes: ['STANDARD'] },
      }),
    )
    const after = censusOf(
      base,
      users,
      policy('p', {
        publish: { allow: ['a'] },
        responses: { max: 2, ttl: '1m' },
        limits: { lifetime: '1h', connectionTypes: ['STANDARD', 'WEBSOCKET'] },
      }),
    )
    const { gains, losses } = review(before, after)
    expect(gains.map(({ what }) => what.other)).toEqual([
      [
        'answers to requests (2 within 60s)',
        'sources anywhere (was 10.0.0.0/8)',
        'connection types STANDARD, WEBSOCKET (was STANDARD)',
      ],
    ])
    expect(losses.map(({ what }) => what.other)).toEqual([['lifetime 1h (was 8h)']])
  })

  it('says who has no grant any more, and why', () => {
    const users = shop(
      { name: 'alice', policies: ['p'], metadata: { region: 'eu' } },
      { name: 'bob', policies: ['p'] },
    )
    const before = censusOf(base, users, policy('p', { publish: { allow: ['a'] } }))
    const after = censusOf(base, users, policy('p', { publish: { allow: ['{{user.metadata.region}}.a'] } }))
    const { refused, gains, losses } = review(before, after)
    const why = 'policy "p" asks for {{user.metadata.region}}'
    expect(refused).toEqual([{ why, users: [{ account: 'SHOP', user: 'bob' }] }])
    expect(gains.map(({ what, users }) => [what.publish, users.map(({ user }) => user)])).toEqual([
      [['eu.a'], ['alice']],
    ])
    expect(losses.find(({ users }) => users[0]?.user === 'bob')?.what).toEqual({
      publish: ['a', 'whoami'],
      subscribe: [],
      permissions: [],
      other: ['a grant at all'],
    })
  })

  it('says which new users would not be let in, and whom another policy keeps out now', () => {
    const clerk = policy('clerk', { publish: { allow: ['till.{{user.metadata.till}}'] } })
    const other = policy('other', { publish: { allow: ['{{user.metadata.k}}'] } })
    const before = censusOf(base, clerk, other, shop({ name: 'old', policies: ['clerk'] }))
    const after = censusOf(
      ...[base, clerk, other],
      shop(
        { name: 'old', policies: ['clerk'] },
        { name: 'boss', policies: ['clerk'] },
        { name: 'dot', policies: ['clerk'], metadata: { till: 'a.b' } },
        { name: 'ann', policies: ['clerk'], metadata: { till: '7' } },
      ),
    )
    const found = review(before, after)
    const asks = 'policy "clerk" asks for {{user.metadata.till}}'
    expect(found.refused.map(({ why, users }) => [why, users.map(({ user }) => user)])).toEqual([
      [asks, ['boss']],
      [`${asks}, whose value is not one token`, ['dot']],
    ])
    expect(found.gains.flatMap(({ users }) => users.map(({ user }) => user))).toEqual(['ann'])
    expect(found.affected).toEqual([])
    const changed = censusOf(base, clerk, other, shop({ name: 'old', policies: ['other'] }))
    expect(review(before, changed).refused).toMatchObject([
      { why: 'policy "other" asks for {{user.metadata.k}}' },
    ])
    expect(review(after, before).refused).toEqual([])
  })

  const entry = fc.constantFrom('a', 'a.*', 'a.>', 'b', 'b.{{user.name}}', '>', 'c.{{user.metadata.k}}')
  const rules = fc.record({
    allow: fc.array(entry, { maxLength: 3 }),
    deny: fc.array(entry, { maxLength: 2 }),
  })
  const world = fc
    .record({
      policies: fc.tuple(
        ...['p', 'q', 'r'].map((name) =>
          fc.record({ publish: rules, subscribe: rules }).map((facts) => policy(name, facts)),
        ),
      ),
      users: fc.array(
        fc.record({
          policies: fc.subarray(['p', 'q', 'r']),
          metadata: fc.constantFrom({}, { k: 'v' }),
        }),
        { maxLength: 4 },
      ),
      boundaryPolicy: fc.constantFrom({}, {}, { boundaryPolicy: 'r' }),
    })
    .map(({ policies, users, boundaryPolicy }) => {
      const named = users.map((user, i) => ({ name: `u${i}`, ...user }))
      return censusOf(base, ...policies, { kind: 'account', name: 'SHOP', users: named, ...boundaryPolicy })
    })

  it('of what is the same is empty', () => {
    fc.assert(
      fc.property(world, (both) => {
        expect(review(both, both)).toEqual({ refused: [], gains: [], losses: [], changes: [], affected: [] })
      }),
      { numRuns: 200 },
    )
  })

  it('tells of gains that are allowed after and were not before, and the other way round', () => {
    let count = 0
    fc.assert(
      fc.property(world, world, (before, after) => {
        const [was, is] = [verdictsOf(before), verdictsOf(after)]
        const { gains, losses } = review(before, after)
        for (const [groups, had, has] of [
          [gains, was, is],
          [losses, is, was],
        ] as const) {
          for (const { what, users } of groups)
            for (const { user } of users)
              for (const side of ['publish', 'subscribe'] as const)
                for (const subject of what[side]) {
                  count += 1
                  expect(has(user, side, subject)).toBe(true)
                  expect(had(user, side, subject)).toBe(false)
                }
        }
      }),
      { numRuns: 500 },
    )
    expect(count).toBeGreaterThan(500)
  })

  it('compiles once for everybody who has the same', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => ({ name: `u${i}`, policies: ['dev'] }))
    const dev = (subject: string): object => policy('dev', { publish: { allow: [subject] } })
    const [before, after] = [censusOf(base, dev('a'), shop(...many)), censusOf(base, dev('b'), shop(...many))]
    const hold = holdings(after)
    expect(new Set([...after.users.values()].map(hold)).size).toBe(1)
    const { gains } = review(before, after)
    expect(gains.map(({ what, users }) => [what.publish, users.length])).toEqual([[['b'], 5_000]])
  })
})

function verdictsOf(census: Census) {
  const hold = holdings(census)
  return (name: string, side: 'publish' | 'subscribe', subject: string): boolean => {
    const user = census.users.get(memberKey({ account: 'SHOP', name }))
    const held = user === undefined ? undefined : hold(user)
    if (held === undefined || !held.ok) return false
    const { publish, subscribe } = held.grant
    return side === 'publish'
      ? mayPublish(publish, subject).allowed
      : maySubscribe(subscribe, subject).allowed
  }
}
