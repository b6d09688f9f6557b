import { describe, expect, it } from 'vitest'
import { declaredCensus } from '../../src/admin/declared-census.ts'
import { parseDocuments } from '../../src/admin/documents.ts'
import type { Census } from '../../src/domain/census.ts'
import { review } from '../../src/domain/review.ts'

function censusOf(...documents: object[]): Census {
  const text = documents.map((each) => JSON.stringify(each)).join('\n---\n')
  return declaredCensus(parseDocuments([{ path: 'd.yaml', text }]))
}

const policy = (name: string, facts: object = {}): object => ({ kind: 'policy', name, ...facts })
const base = policy('base', { publish: { allow: ['whoami'] } })
const shop = (...users: object[]): object => ({ kind: 'account', name: 'SHOP', users })

describe('the review of limits', () => {
  it('tells each limit once: as a gain where it is wider, a loss where narrower, and else a change', () => {
    const office = {
      zone: 'Europe/Berlin',
      start: '08:00',
      end: '18:00',
      days: ['mon', 'tue', 'wed', 'thu', 'fri'],
    }
    const told = (was: object, is: object): string[] => {
      const [before, after] = [was, is].map((limits) =>
        censusOf(base, shop({ name: 'u', policies: ['p'] }), policy('p', { limits })),
      ) as [Census, Census]
      const { gains, losses, changes } = review(before, after)
      return Object.entries({ gains, losses, changes }).flatMap(([kind, groups]) =>
        groups.flatMap(({ what }) => what.other.map((word) => `${kind} ${word}`)),
      )
    }
    const windows = (...list: object[]): object => ({ windows: list })
    expect(told(windows({ ...office, start: '07:00', end: '22:00' }), windows(office))).toEqual([
      'losses may connect Mon–Fri 08:00–18:00 Europe/Berlin (was 07:00–22:00)',
    ])
    expect(told(windows(office), windows({ ...office, days: undefined }))).toEqual([
      'gains may connect 08:00–18:00 Europe/Berlin (was Mon–Fri 08:00–18:00)',
    ])
    expect(told(windows(office), windows({ ...office, zone: 'UTC' }))).toEqual([
      'changes may connect Mon–Fri 08:00–18:00 UTC (was Mon–Fri 08:00–18:00 Europe/Berlin)',
    ])
    const weekend = { ...office, days: ['sat', 'sun', 'wed'] }
    expect(told({}, windows(office, weekend))).toEqual([
      'losses may connect Mon–Fri 08:00–18:00 Europe/Berlin or Wed, Sat, Sun 08:00–18:00 Europe/Berlin (was at any time)',
    ])
    expect(told({ lifetime: '1h' }, { lifetime: '8h' })).toEqual(['gains lifetime 8h (was 1h)'])
    expect(told({ lifetime: '1h' }, {})).toEqual(['gains lifetime without end (was 1h)'])
    expect(told({}, { sources: ['10.0.0.0/8'] })).toEqual(['losses sources 10.0.0.0/8 (was anywhere)'])
    expect(told({ sources: ['10.0.0.0/8'] }, { sources: ['10.1.0.0/16', '192.168.0.0/16'] })).toEqual([
      'changes sources 10.1.0.0/16, 192.168.0.0/16 (was 10.0.0.0/8)',
    ])
    expect(told({ sessions: 2 }, { sessions: 5 })).toEqual(['gains sessions 5 (was 2)'])
    expect(told({}, { sessionsPerCredential: 1 })).toEqual([
      'losses sessions by one credential 1 (was any number)',
    ])
    expect(told({}, { keepSessions: 'newest' })).toEqual([
      'gains of too many sessions stay the newest (was oldest)',
    ])
    expect(told({ keepSessions: 'oldest' }, {})).toEqual([])
    expect(told(windows(office), windows({ ...office, end: '18:00:00' }))).toEqual([])
  })
})

describe('the review of semantic permissions', () => {
  const kv = (...may: string[]): object => ({ kv: 'stock', may })
  const u = { name: 'u', policies: ['p'], metadata: { shop: 'berlin' } }

  /** What is told of a change of the policy of one user: words, and the subjects that no permission says. */
  function told(was: object, is: object, ...more: object[]): string[] {
    const [before, after] = [was, is].map((facts) =>
      censusOf(base, ...(more.length === 0 ? [shop(u)] : more), policy('p', facts)),
    ) as [Census, Census]
    const { gains, losses } = review(before, after)
    return Object.entries({ gains, losses }).flatMap(([kind, groups]) =>
      groups.flatMap(({ what: { permissions, publish, subscribe } }) => {
        const said = permissions.flatMap((each) => [...each.publish, ...each.subscribe])
        const rest = [...publish, ...subscribe].filter((subject) => !said.includes(subject))
        return [...permissions.map(({ says }) => says), ...rest].map((word) => `${kind} ${word}`)
      }),
    )
  }

  it('says one that comes or goes whole, and no subject of it', () => {
    const read = { allow: [kv('read', 'watch')], publish: { allow: ['a'] } }
    expect(told({}, read)).toEqual(['gains kv stock: read, watch', 'gains a'])
    expect(told(read, {})).toEqual(['losses kv stock: read, watch', 'losses a'])
  })

  it.each<[object, string]>([
    [
      { stream: 'ORDERS', may: ['read', 'write'], subjects: ['orders.>'] },
      'stream ORDERS (subjects orders.>): read, write',
    ],
    [{ consumer: 'c', stream: 'ORDERS', may: ['use'] }, 'consumer c of stream ORDERS: use'],
    [
      { kv: 'stock-{{user.metadata.shop}}', may: ['write'], keys: ['a.>', 'b'] },
      'kv stock-berlin (keys a.>, b): write',
    ],
    [{ object: 'files', may: ['read'], domain: 'hub' }, 'object files (domain hub): read'],
    [
      { service: 'shop', may: ['serve'], subjects: ['shop.*'], queue: 'q' },
      'service shop (subjects shop.*; queue q): serve',
    ],
    [{ 'request-reply': 'price.get', may: ['request'] }, 'request-reply price.get: request'],
  ])('says %o', (permission, words) => expect(told({}, { allow: [permission] })).toEqual([`gains ${words}`]))

  it('says what is new of one that was there in part', () => {
    expect(told({ allow: [kv('read')] }, { allow: [kv('read', 'write')] })).toEqual(['gains kv stock: write'])
    expect(told({ allow: [kv('read', 'write')] }, { allow: [kv('read')] })).toEqual([
      'losses kv stock: write',
    ])
    const keys = (...names: string[]): object => ({ allow: [{ kv: 'stock', may: ['write'], keys: names }] })
    expect(told(keys('a'), keys('a', 'b'))).toEqual(['gains kv stock (keys b): write'])
  })

  it('says nothing twice', () => {
    expect(told({}, { allow: [kv('read'), kv('read', 'write')] })).toEqual(['gains kv stock: read, write'])
  })

  it('says subjects where a deny, a boundary, or what was there takes some of it', () => {
    const write = { allow: [kv('write')] }
    const some = { ...write, publish: { deny: ['$KV.stock.a'] } }
    expect(told(write, some)).toEqual(['losses $KV.stock.a'])
    expect(told(some, write)).toEqual(['gains $KV.stock.a'])
    const capped = [
      { kind: 'account', name: 'SHOP', boundaryPolicy: 'cap', users: [u] },
      policy('cap', { publish: { allow: ['$KV.stock.a'] } }),
    ]
    expect(told({}, write, ...capped)).toEqual(['gains $KV.stock.a'])
    const wide = { ...write, publish: { allow: ['$KV.>'] } }
    expect(told({}, wide)).toEqual(expect.arrayContaining(['gains $KV.>']))
  })
})
