import { describe, expect, it } from 'vitest'
import { readDocuments } from '../../src/admin/documents.ts'
import { readPolicyTests, testPolicies, type TestedCase } from '../../src/admin/policy-tests.ts'

const DOCUMENTS = `kind: policy
name: dev
publish:
  allow: [orders.>, 'own.{{user.metadata.region}}']
  deny: [orders.delete]
subscribe:
  allow:
    - subject: jobs.>
      queue: workers
---
kind: policy
name: cap
publish: { allow: [orders.new] }
---
kind: policy
name: dev
account: SHOP
publish: { allow: [shop] }
---
kind: role
name: lead
policies: [dev]
---
kind: policy
name: ids
publish: { allow: ['id.{{account.id}}.{{user.id}}'] }
---
kind: account
name: SHOP
defaultPolicy: null
users: [{ name: alice, policies: [dev] }]
`

function run(...cases: object[]): readonly TestedCase[] {
  const documents = readDocuments([{ path: 'd.yaml', text: DOCUMENTS }])
  const text = `kind: policy-test\ncases:\n${cases.map((each) => `  - ${JSON.stringify({ name: 'it', ...each })}\n`).join('')}`
  return testPolicies(documents, readPolicyTests(documents, [{ path: 'p.test.yaml', text }]))
}

const eu = { region: 'eu' }
const alone = { defaultPolicy: null }
const dev = { policies: ['dev'], metadata: eu, account: alone }

function failures(each: object): string[] {
  return run(each)[0]!.failures.map(({ what, expected, found }) => `${what}: ${expected}, ${found}`)
}

describe('a test of policies', () => {
  it('holds by the verdict of nats-server: denies, templates, queue groups', () => {
    const publish = { allowed: ['orders.a', 'own.eu'], denied: ['orders.delete', 'own.us', 'orders'] }
    const subscribe = { allowed: ['jobs.a workers', 'jobs.> workers'], denied: ['jobs.a', 'jobs.a others'] }
    expect(failures({ user: dev, publish, subscribe })).toEqual([])
    expect(failures({ user: { ...dev, policies: [], roles: ['lead'] }, publish })).toEqual([])
  })

  it('has USER_ID and ACCOUNT_ID where ids are', () => {
    const publish = { allowed: ['id.ACCOUNT_ID.USER_ID'], denied: ['id.SHOP.USER_ID'] }
    expect(failures({ user: { policies: ['ids'], account: 'SHOP' }, publish })).toEqual([])
    const [failure] = run({
      user: { policies: ['ids'], account: 'SHOP' },
      publish: { denied: publish.allowed },
    })[0]!.failures
    expect(failure?.found).toContain(
      'allowed by publish.allow[0] "id.{{account.id}}.{{user.id}}" of policy ids',
    )
  })

  it('takes somebody declared, and an account’s own policy before the operator’s', () => {
    expect(failures({ user: 'alice of SHOP', publish: { allowed: ['shop'], denied: ['orders.a'] } })).toEqual(
      [],
    )
    const there = { policies: ['dev'], account: 'SHOP' }
    expect(failures({ user: there, publish: { allowed: ['shop'], denied: ['orders.a'] } })).toEqual([])
  })

  it('that fails names place, subject, what was expected, and the entry that decides', () => {
    const publish = { allowed: ['orders.a', 'orders.delete', 'x'], denied: ['own.eu'] }
    const [tested] = run({ user: dev, publish, subscribe: { denied: ['jobs.a workers'] } })
    expect(tested).toMatchObject({ file: 'p.test.yaml', where: 'p.test.yaml:3:5', name: 'it' })
    expect(tested?.failures[0]?.where).toMatch(/^p\.test\.yaml:3:\d+$/)
    expect(tested?.failures.map(({ what, expected, found }) => `${what}: ${expected}, ${found}`)).toEqual([
      'publish orders.delete: allowed, denied by publish.deny[0] "orders.delete" of policy dev (d.yaml:5:10)',
      'publish x: allowed, denied: no policy allows it',
      'publish own.eu: denied, allowed by publish.allow[1] "own.{{user.metadata.region}}" of policy dev (d.yaml:4:21)',
      'subscribe jobs.a workers: denied, allowed by subscribe.allow[0] "jobs.> workers" of policy dev (d.yaml:8:7)',
    ])
  })

  it('tells the boundary from a policy that is missing', () => {
    const user = { ...dev, account: { ...alone, boundaryPolicy: 'cap' } }
    expect(failures({ user, publish: { allowed: ['orders.new', 'orders.a'] } })).toEqual([
      'publish orders.a: allowed, denied: boundary policy cap does not allow it',
    ])
  })

  it('expects no grant where a template has no value', () => {
    const user = { policies: ['dev'], account: alone }
    expect(failures({ user, grant: 'none' })).toEqual([])
    expect(failures({ user: dev, grant: 'none' })).toEqual([
      expect.stringContaining('grant: none, there is one'),
    ])
    expect(failures({ user, publish: { denied: ['x'] } })).toEqual([
      expect.stringContaining('grant: a grant, none: policy "dev" asks for {{user.metadata.region}}'),
    ])
  })

  const publish = { allowed: ['a'] }
  it.each<[string, object, string]>([
    [
      'an unknown policy',
      { user: { policies: ['dev', 'nope'], account: alone }, publish },
      '3:44 cases[0].user.policies[1]: there is no policy "nope"',
    ],
    [
      'an unknown role',
      { user: { roles: ['nope'], account: alone }, publish },
      'cases[0].user.roles[0]: there is no role "nope"',
    ],
    [
      'an unknown account',
      { user: { account: 'NOPE' }, publish },
      'cases[0].user.account: there is no account "NOPE"',
    ],
    [
      'an unknown boundary',
      { user: { account: { ...alone, boundaryPolicy: 'nope' } }, publish },
      'there is no policy "nope" for its boundaryPolicy',
    ],
    [
      'a default that nobody declares',
      { user: {}, publish },
      'there is no policy "base" for its defaultPolicy',
    ],
    [
      'an unknown user',
      { user: 'bob of SHOP', publish },
      'cases[0].user: there is no user "bob" in account "SHOP"',
    ],
    ['a user of an unknown account', { user: 'bob of NOPE', publish }, 'there is no account "NOPE"'],
    ['a user without account', { user: 'bob', publish }, 'must be a declared user and its account'],
    [
      'a wildcard to publish to',
      { user: dev, publish: { allowed: ['a.>'] } },
      'cases[0].publish.allowed[0]: must be one subject: nobody publishes to * or >',
    ],
    [
      'a bad subject',
      { user: dev, subscribe: { denied: ['a..b'] } },
      'cases[0].subscribe.denied[0]: must not contain empty tokens',
    ],
    [
      'two queue groups',
      { user: dev, subscribe: { denied: ['a b c'] } },
      'cases[0].subscribe.denied[0]: queue group must not contain spaces',
    ],
    ['no expectation', { user: dev }, 'cases[0]: expects nothing'],
    [
      'a grant that is none and does something',
      { user: dev, grant: 'none', publish },
      'cases[0].grant: must not stand beside publish or subscribe',
    ],
    [
      'an unknown field',
      { user: dev, publish, expects: 1 },
      'cases[0].expects: is not a field that is known here',
    ],
  ])('is refused for %s, with file, line, field and rule', (_, each, message) => {
    expect(() => run(each)).toThrow(message)
    expect(() => run(each)).toThrow('p.test.yaml:3:')
  })

  it('is refused without cases, and where the documents have faults', () => {
    expect(() => run()).toThrow(/cases/)
    const documents = readDocuments([{ path: 'd.yaml', text: 'kind: policy\nname: p\npublsh: {}\n' }])
    expect(() => readPolicyTests(documents, [])).toThrow('d.yaml:3:1 publsh')
  })
})
