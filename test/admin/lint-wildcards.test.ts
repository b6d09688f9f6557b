import { describe, expect, it } from 'vitest'
import { findings, found, holder, policy, shop } from './linting.ts'

describe('of wildcards lint finds', () => {
  it('tokens that look like patterns and are none', () => {
    const [finding] = findings(policy({ subscribe: { allow: ['_INBOX_*.x'] } }), shop(holder))
    expect(finding).toMatchObject({ rule: 'literal-wildcard', field: 'subscribe.allow[0]' })
    expect(found({ publish: { deny: ['a.b>'], allow: ['a.>'] } })).toContain(
      'literal-wildcard publish.deny[0]',
    )
    expect(found({ publish: { allow: ['a.*', 'b.>'] } })).toEqual([])
    expect(found({ publish: { allow: ['x-{{user.name}}.y'] } })).toEqual([])
  })

  it('what is heard beyond a last *, where something as long is allowed besides', () => {
    const rules = { subscribe: { allow: ['orders.*', 'orders.eu.created'] } }
    expect(found(rules)).toEqual(['overheard subscribe.allow[0]'])
    const [finding] = findings(policy(rules), shop(holder))
    expect(finding?.message).toContain('hears orders.*.* too')
    expect(found({ subscribe: { allow: ['orders.*'] } })).toEqual([])
    expect(found({ subscribe: { allow: ['orders.*', 'stock.eu.created'] } })).toEqual([])
  })

  it('it where another policy of the user allows something as long', () => {
    const user = { name: 'u', policies: ['p', 'q'] }
    const long = policy({ subscribe: { allow: ['orders.eu.created'] } }, 'q')
    const all = findings(policy({ subscribe: { allow: ['orders.*'] } }), long, shop(user))
    expect(all.map(({ rule, policy }) => `${rule} ${policy}`)).toEqual(['overheard p'])
  })
})

describe('lint finds who may answer itself', () => {
  const asks = { 'request-reply': 'a.b', may: ['request'] }
  const answers = { 'request-reply': 'a.b', may: ['reply'] }
  const responses = { max: 1, ttl: '1m' }
  const both = { publish: { allow: ['a.>'] }, subscribe: { allow: ['*.b q'] } }

  it.each<[string, object, string[]]>([
    ['by words', { allow: [asks, answers] }, ['self-answer allow[1]']],
    ['by raw subjects', { ...both, responses }, ['self-answer responses']],
    ['but not who may not answer', both, []],
    ['nor who hears something else', { ...both, publish: { allow: ['a'] }, responses }, []],
    [
      'nor where publishing it is denied',
      { ...both, publish: { allow: ['a.>'], deny: ['*.b'] }, responses },
      [],
    ],
    ['nor where hearing it is', { ...both, subscribe: { allow: ['*.b q'], deny: ['a.b'] }, responses }, []],
    [
      'yet where it is in one queue group alone',
      { ...both, subscribe: { allow: ['*.b'], deny: ['a.b q'] }, responses },
      ['self-answer responses'],
    ],
    ['nor by inboxes', { publish: { allow: ['_INBOX.>'] }, inbox: 'shared', responses }, []],
  ])('%s', (_, facts, expected) => expect(found(facts)).toEqual(expected))

  it('by all that somebody has, and tells the policy that lets it answer', () => {
    const user = { name: 'u', policies: ['p', 'q'] }
    const all = findings(policy({ allow: [asks] }), policy({ allow: [answers] }, 'q'), shop(user))
    expect(all).toMatchObject([{ rule: 'self-answer', severity: 'warning', policy: 'q', field: 'allow[0]' }])
    expect(all[0]?.message).toContain('may publish a.b, which it hears itself')
  })

  it('and nobody where a boundary takes one of both away', () => {
    const cap = policy({ publish: { allow: ['a.>'] }, responses }, 'cap')
    const account = { kind: 'account', name: 'SHOP', defaultPolicy: null, boundaryPolicy: 'cap' }
    const all = findings(policy({ allow: [asks, answers] }), cap, { ...account, users: [holder] })
    expect(all.map(({ rule }) => rule)).not.toContain('self-answer')
  })
})
