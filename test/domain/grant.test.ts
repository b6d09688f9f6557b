import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Account } from '../../src/domain/account.ts'
import { compileGrant, type Grant } from '../../src/domain/grant.ts'
import type { Policy, PolicyLimits, ResponsePermission } from '../../src/domain/policy.ts'
import { entryCovers } from '../../src/domain/subject-entry.ts'
import type { User } from '../../src/domain/user.ts'
import { AT } from './given.ts'

const account: Account = {
  status: 'present',
  id: 'AORDERS',
  name: 'ORDERS',
  role: 'tenant',
  signingKeys: [],
  limits: {},
  metadata: {},
  createdAt: AT,
}
const user: User = {
  status: 'present',
  id: '01U',
  account: account.id,
  name: 'alice',
  policies: [],
  roles: [],
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
    status: 'present',
    id: `P${i + 1}`,
    name: `policy-${i + 1}`,
    scope: 'operator',
    version: i + 7,
    permissions: { publish: { allow: pub, deny: noPub }, subscribe: { allow: sub, deny: noSub }, responses },
    limits,
    delegable: false,
    createdAt: AT,
  }))
}

function grantOf(...written: readonly Written[]): Grant {
  const compiled = compileGrant(user, account, { policies: policies(...written) })
  if (!compiled.ok) throw new Error(`no grant: ${compiled.reason}`)
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
    expect(compileGrant(user, account, { policies: policies({ pub: ['ok'] }, written) })).toEqual({
      ok: false,
      reason: 'template_value_missing',
      policy: 'P2',
      variable: 'user.metadata.none',
    })
  })
})

describe('a boundary', () => {
  const capped = (boundary: Written, ...given: readonly Written[]): Grant => {
    const [cap] = policies(boundary)
    const compiled = compileGrant(user, account, {
      policies: policies(...given),
      boundary: { ...cap!, id: 'B', version: 3 },
    })
    if (!compiled.ok) throw new Error(`no grant: ${compiled.reason}`)
    return compiled.grant
  }

  it.each<[what: string, boundary: Written, given: Written, grant: Partial<Grant>]>([
    ['of nothing leaves nothing', {}, { pub: ['>'], sub: ['>'] }, { publish: nothing, subscribe: nothing }],
    [
      'of everything takes nothing',
      { pub: ['>'] },
      { pub: ['a.*'] },
      { publish: { allow: ['a.*'], deny: [] } },
    ],
    ['gives nothing by itself', { pub: ['>'], sub: ['>'] }, {}, { publish: nothing, subscribe: nothing }],
    [
      'narrows what reaches beyond it',
      { pub: ['orders.*.created', 'stock.>'] },
      { pub: ['orders.eu.>', 'stock.*', 'billing.>'] },
      { publish: { allow: ['orders.eu.created', 'stock.*'], deny: [] } },
    ],
    [
      'is filled in for each user',
      { pub: ['r.{{user.metadata.region}}.>'] },
      { pub: ['r.*.x'] },
      { publish: { allow: ['r.eu.x'], deny: [] } },
    ],
    [
      'keeps to its queue groups',
      { sub: ['e.> workers'] },
      { sub: ['e.a', 'e.b others'] },
      { subscribe: { allow: ['e.a workers'], deny: [] } },
    ],
    [
      'adds its denies',
      { pub: ['>'], noPub: ['a.secret'] },
      { pub: ['a.>'], noPub: ['a.x'] },
      { publish: { allow: ['a.>'], deny: ['a.secret', 'a.x'] } },
    ],
    [
      'caps answers and lifetimes',
      { responses: { max: 1, ttlMs: 9_000 }, limits: { lifetimeSeconds: 60 } },
      { responses: { max: 5, ttlMs: 1_000 }, limits: { lifetimeSeconds: 3_600 } },
      { responses: { max: 1, ttlMs: 1_000 }, lifetimeSeconds: 60 },
    ],
    [
      'without a right to answer leaves none',
      { pub: ['>'] },
      { responses: { max: 5, ttlMs: 1_000 } },
      { responses: undefined },
    ],
    [
      'does not lengthen a life',
      { limits: { lifetimeSeconds: 3_600 } },
      { limits: { lifetimeSeconds: 60 } },
      { lifetimeSeconds: 60 },
    ],
    [
      'is named with its version',
      {},
      {},
      {
        policies: [
          { id: 'P1', version: 7 },
          { id: 'B', version: 3 },
        ],
      },
    ],
  ])('%s', (_, boundary, given, grant) => {
    expect(capped(boundary, given)).toMatchObject(grant)
  })

  it('that lacks a value leaves no grant at all', () => {
    const [boundary] = policies({ pub: ['{{user.metadata.none}}'] })
    expect(compileGrant(user, account, { policies: policies({ pub: ['>'] }), boundary })).toEqual({
      ok: false,
      reason: 'template_value_missing',
      policy: 'P1',
      variable: 'user.metadata.none',
    })
  })

  it('that crosses what is given a million times is refused at once', () => {
    const crossing = (lists: (n: number) => Written) =>
      policies(...Array.from({ length: 600 }, (_, n) => lists(n)))
    const [boundary] = policies({ pub: Array.from({ length: 600 }, (_, n) => `x${n}.*.>`) })
    expect(
      compileGrant(user, account, { policies: crossing((n) => ({ pub: [`*.a${n}.>`] })), boundary }),
    ).toEqual({ ok: false, reason: 'grant_too_large' })
    const few = { policies: crossing((n) => ({ pub: [`x${n}.a.>`] })), boundary }
    expect(compileGrant(user, account, few)).toMatchObject({ ok: true })
  })

  it('never widens, and caps every entry', () => {
    const subject = fc
      .array(fc.constantFrom('a', 'b', '*', '{{user.name}}'), { minLength: 1, maxLength: 3 })
      .chain((tokens) => fc.constantFrom(tokens.join('.'), [...tokens, '>'].join('.'), '>'))
    const subjects = fc.array(subject, { maxLength: 4 })
    const entries = fc.array(
      fc.tuple(subject, fc.constantFrom('', ' q', ' *')).map((parts) => parts.join('')),
      { maxLength: 4 },
    )
    const written = fc.record({ pub: subjects, noPub: subjects, sub: entries, noSub: entries })
    const within = (inner: readonly string[], outer: readonly string[]): boolean =>
      inner.every((entry) => outer.some((wide) => entryCovers(wide, entry)))
    fc.assert(
      fc.property(written, fc.array(written, { maxLength: 3 }), (boundary, given) => {
        const [free, cap, grant] = [grantOf(...given), grantOf(boundary), capped(boundary, ...given)]
        for (const side of ['publish', 'subscribe'] as const) {
          expect(within(grant[side].allow, free[side].allow)).toBe(true)
          expect(within(grant[side].allow, cap[side].allow)).toBe(true)
          expect(within(free[side].deny, grant[side].deny)).toBe(true)
          expect(within(cap[side].deny, grant[side].deny)).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})
