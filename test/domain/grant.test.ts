import { describe, expect, it } from 'vitest'
import type { Account } from '../../src/domain/account.ts'
import { compileGrant, type Grant } from '../../src/domain/grant.ts'
import type { Policy, PolicyLimits, ResponsePermission } from '../../src/domain/policy.ts'
import type { User } from '../../src/domain/user.ts'
import { AT } from './given.ts'

const account: Account = {
  status: 'active',
  id: 'AORDERS',
  name: 'ORDERS',
  role: 'tenant',
  signingKeys: [],
  limits: {},
  metadata: {},
  createdAt: AT,
}
const user: User = {
  status: 'active',
  id: '01U',
  account: account.id,
  name: 'alice',
  policies: [],
  credentials: [],
  metadata: { region: 'eu' },
  createdAt: AT,
}

interface Written {
  readonly pub?: readonly string[]
  readonly noPub?: readonly string[]
  readonly sub?: readonly string[]
  readonly noSub?: readonly string[]
  readonly responses?: ResponsePermission
  readonly limits?: PolicyLimits
}

function policies(...written: readonly Written[]): Policy[] {
  return written.map(({ pub = [], noPub = [], sub = [], noSub = [], responses, limits = {} }, i) => ({
    status: 'active',
    id: `P${i + 1}`,
    name: `policy-${i + 1}`,
    scope: 'operator',
    version: i + 7,
    permissions: { publish: { allow: pub, deny: noPub }, subscribe: { allow: sub, deny: noSub }, responses },
    limits,
    createdAt: AT,
  }))
}

function grantOf(...written: readonly Written[]): Grant {
  const compiled = compileGrant(user, account, policies(...written))
  if (!compiled.ok) throw new Error(`no grant for want of ${compiled.variable}`)
  return compiled.grant
}

const nothing = { allow: [], deny: [] }

describe('the grant of', () => {
  it.each<[what: string, written: Written[], grant: Partial<Grant>]>([
    ['no policy is nothing', [], { publish: nothing, subscribe: nothing, policies: [] }],
    ['an empty policy is nothing', [{}], { publish: nothing, subscribe: nothing }],
    [
      'two policies is what either allows',
      [
        { pub: ['a'], sub: ['x.>'] },
        { pub: ['b'], sub: ['y'] },
      ],
      { publish: { allow: ['a', 'b'], deny: [] }, subscribe: { allow: ['x.>', 'y'], deny: [] } },
    ],
    [
      'two policies is without what either denies, and denies stay though another policy allows the very same',
      [
        { pub: ['orders.>'], noPub: ['orders.delete'] },
        { pub: ['orders.delete'], noSub: ['secret.>'] },
      ],
      {
        publish: { allow: ['orders.>'], deny: ['orders.delete'] },
        subscribe: { allow: [], deny: ['secret.>'] },
      },
    ],
    [
      'a policy that denies all stays denied',
      [{ pub: ['>'] }, { noPub: ['>', 'a'] }],
      { publish: { allow: ['>'], deny: ['>'] } },
    ],
    [
      'overlapping policies has no entry twice, nor one that another covers',
      [{ pub: ['a.*', 'a.b'] }, { pub: ['a.>', 'a.b'] }],
      { publish: { allow: ['a.>'], deny: [] } },
    ],
    [
      'a queue group keeps to the group, unless another policy allows the subject to all',
      [{ sub: ['e.> workers', 'f.> workers'] }, { sub: ['f.>'] }],
      { subscribe: { allow: ['e.> workers', 'f.>'], deny: [] } },
    ],
    [
      'templates is filled in on every list',
      [
        {
          pub: ['r.{{user.metadata.region}}.>'],
          noPub: ['{{user.id}}'],
          sub: ['{{account.name}}'],
          noSub: ['{{user.name}}.*'],
        },
      ],
      {
        publish: { allow: ['r.eu.>'], deny: ['01U'] },
        subscribe: { allow: ['ORDERS'], deny: ['alice.*'] },
      },
    ],
    [
      'two lifetimes is the shortest',
      [{ limits: { lifetimeSeconds: 3_600 } }, {}, { limits: { lifetimeSeconds: 60 } }],
      { lifetimeSeconds: 60 },
    ],
    ['no lifetime is without end', [{}, {}], { lifetimeSeconds: undefined }],
    [
      'two rights to answer is the most generous of both',
      [{ responses: { max: 1, ttlMs: 9_000 } }, {}, { responses: { max: 5, ttlMs: 1_000 } }],
      { responses: { max: 5, ttlMs: 9_000 } },
    ],
    ['no right to answer is none', [{ pub: ['a'] }], { responses: undefined }],
    [
      'several policies names them with their versions',
      [{}, {}],
      {
        policies: [
          { id: 'P1', version: 7 },
          { id: 'P2', version: 8 },
        ],
      },
    ],
  ])('%s', (_, written, grant) => {
    expect(grantOf(...written)).toMatchObject(grant)
  })

  it('the same policies in another order allows and denies the same', () => {
    const [one, other] = [
      { pub: ['b', 'a'], noSub: ['x'] },
      { pub: ['c'], noSub: ['w'], sub: ['>'] },
    ]
    const { policies: _there, ...there } = grantOf(one, other)
    const { policies: _back, ...back } = grantOf(other, one)
    expect(there).toEqual(back)
  })
})

describe('a value that is missing', () => {
  it.each<[where: string, written: Written]>([
    ['an allow of publish', { pub: ['a', 'r.{{user.metadata.none}}'] }],
    ['a deny of publish', { noPub: ['r.{{user.metadata.none}}'] }],
    ['an allow of subscribe', { sub: ['r.{{user.metadata.none}}'] }],
    ['a deny of subscribe', { noSub: ['r.> {{user.metadata.none}}'] }],
  ])('in %s leaves no grant at all', (_, written) => {
    expect(compileGrant(user, account, policies({ pub: ['ok'] }, written))).toEqual({
      ok: false,
      policy: 'P2',
      variable: 'user.metadata.none',
    })
  })
})
