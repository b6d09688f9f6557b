import { describe, expect, it } from 'vitest'
import { declaredCensus } from '../../src/admin/declared-census.ts'
import { accept, readAcceptances } from '../../src/admin/lint-accept.ts'
import { lint } from '../../src/admin/lint.ts'
import { placesIn } from '../../src/admin/policy-places.ts'
import { documentsOf, findings, found, holder, policy, shop } from './linting.ts'

describe('lint finds too broad', () => {
  it.each(['>', '*.>', '*.*', '$SYS.>', '$JS.>', '$JS.API.>', '$KV.>'])('an allow of %s', (subject) => {
    expect(found({ publish: { allow: [subject] } })).toContain('too-broad publish.allow[0]')
    expect(found({ subscribe: { allow: [`${subject} workers`] } })).toContain('too-broad subscribe.allow[0]')
  })

  it.each(['orders.>', '*', '*.orders.>', '$JS.API.STREAM.INFO.ORDERS', '$SYS.REQ.USER.INFO', '$KV.b.>'])(
    'but not %s',
    (subject) => {
      expect(found({ publish: { allow: [subject] } })).toEqual([])
    },
  )

  it('no deny', () => {
    expect(found({ publish: { allow: ['a'], deny: ['>'] } })).not.toContain('too-broad publish.deny[0]')
  })

  it('every command in an account that is not ADMIN', () => {
    const all = policy({ publish: { allow: ['auth.v1.>'] } })
    const admin = { kind: 'account', name: 'ADMIN', defaultPolicy: null, users: [holder] }
    expect(findings(all, admin)).toEqual([])
    expect(findings(all, admin, shop(holder))).toMatchObject([
      { rule: 'too-broad', message: expect.stringContaining('users of SHOP have it') as string },
    ])
  })
})

describe('lint finds shadowed', () => {
  it.each<[string, object, string[]]>([
    ['what another covers', { publish: { allow: ['a.b', 'a.>'] } }, ['shadowed publish.allow[0]']],
    ['the second of two', { publish: { allow: ['a', 'a'] } }, ['shadowed publish.allow[1]']],
    ['what a deny takes', { publish: { allow: ['a.b', 'c'], deny: ['a.>'] } }, ['shadowed publish.allow[0]']],
    ['a deny in a deny', { publish: { allow: ['a.>'], deny: ['a.b', 'a.*'] } }, ['shadowed publish.deny[0]']],
    ['a queue in its subject', { subscribe: { allow: ['a', 'a q'] } }, ['shadowed subscribe.allow[1]']],
    [
      'a template in a wildcard',
      { publish: { allow: ['a.{{ user.name }}', 'a.*'] } },
      ['shadowed publish.allow[0]'],
    ],
    [
      'the same template twice',
      { publish: { allow: ['a.{{user.name}}', 'a.{{ user.name }}'] } },
      ['shadowed publish.allow[1]'],
    ],
    ['not the other side', { publish: { allow: ['a'] }, subscribe: { allow: ['a'] } }, []],
    ['not another variable', { publish: { allow: ['a.{{user.name}}', 'a.{{account.name}}'] } }, []],
    ['not what a deny narrows', { publish: { allow: ['a.>'], deny: ['a.b'] } }, []],
  ])('%s', (_, facts, expected) => expect(found(facts)).toEqual(expected))
})

describe('lint finds a deny that denies nothing', () => {
  it('when no policy beside it allows anything there', () => {
    expect(found({ publish: { allow: ['a.>'], deny: ['b.>'] } })).toEqual(['idle-deny publish.deny[0]'])
    expect(found({ subscribe: { deny: ['a'] }, publish: { allow: ['a'] } })).toEqual([
      'idle-deny subscribe.deny[0]',
    ])
  })

  it('but not when another policy does, or a template could', () => {
    const other = policy({ publish: { allow: ['b.{{user.name}}'] } }, 'other')
    expect(found({ publish: { deny: ['b.c'] } }, other)).toEqual([])
  })

  it('and an account’s own policy that no other account can have is no reason for it', () => {
    const own = { ...policy({ publish: { allow: ['b'] } }, 'own'), account: 'SHOP' }
    const there = { ...policy({ publish: { deny: ['b'] } }, 'there'), account: 'OTHER' }
    const other = { kind: 'account', name: 'OTHER', defaultPolicy: null }
    const rules = findings(shop(), other, own, there).filter(({ rule }) => rule === 'idle-deny')
    expect(rules).toMatchObject([{ policy: 'there', account: 'OTHER' }])
  })
})

describe('lint finds policies', () => {
  it('that nobody has, and not those of roles, defaults and boundaries', () => {
    const account = { kind: 'account', name: 'SHOP', defaultPolicy: 'default', boundaryPolicy: 'cap' }
    const role = { kind: 'role', name: 'r', policies: ['ofRole'] }
    const policies = ['default', 'cap', 'ofRole', 'nobody'].map((name) => policy({}, name))
    expect(findings(account, role, ...policies)).toMatchObject([
      { rule: 'unused-policy', policy: 'nobody', where: 'd.yaml:11:18' },
    ])
  })

  it('but not base, without which no account can be made', () => {
    expect(findings(policy({}, 'base'), shop())).toEqual([])
  })

  it('only where accounts are known', () => {
    expect(findings(policy({}))).toEqual([])
  })

  it('whose templates have a value for none of their users', () => {
    const facts = policy({ publish: { allow: ['a', 'a.{{user.metadata.region}}'] } })
    const eu = { ...holder, name: 'eu', metadata: { region: 'eu' } }
    const unfit = { ...holder, name: 'unfit', metadata: { region: 'a.b' } }
    expect(findings(facts, shop(holder, unfit))).toMatchObject([
      { rule: 'unreachable-template', severity: 'error', field: 'publish.allow[1]' },
    ])
    expect(findings(facts, shop(eu))).toEqual([])
    expect(findings(facts, shop(holder, eu))).toMatchObject([
      {
        severity: 'warning',
        message: expect.stringContaining('1 of the 2 users who have policy p has no value') as string,
      },
    ])
    const lacking = ['a', 'b', 'c', 'd'].map((name) => ({ ...holder, name }))
    const [warning] = findings(facts, shop(...lacking, unfit, eu))
    expect(warning).toMatchObject({ rule: 'unreachable-template', severity: 'warning' })
    expect(warning?.message).toContain(
      '5 of the 6 users who have policy p have no value for {{user.metadata.region}}',
    )
    expect(warning?.message).toContain('(a of SHOP, b of SHOP, c of SHOP and 2 more)')
  })
})

describe('lint finds an inbox that is shared', () => {
  const two = shop(holder, { ...holder, name: 'v' })

  it.each<[string, object, string]>([
    ['because it says so', { inbox: 'shared' }, 'inbox'],
    ['by its subject', { subscribe: { allow: ['_INBOX.>'] } }, 'subscribe.allow[0]'],
    ['wide enough to hear all of them', { subscribe: { allow: ['a', '_INBOX.*.*'] } }, 'subscribe.allow[1]'],
    ['for publishing', { publish: { allow: ['_INBOX.>'] } }, 'publish.allow[0]'],
  ])('%s', (_, facts, field) => {
    expect(findings(policy(facts), two)).toMatchObject([{ rule: 'shared-inbox', field }])
    expect(findings(policy(facts), shop(holder))).toEqual([])
  })

  it('in every account where it matters, once', () => {
    const users = [holder, { ...holder, name: 'v' }]
    const orders = { kind: 'account', name: 'ORDERS', defaultPolicy: null, users }
    const alone = { kind: 'account', name: 'ALONE', defaultPolicy: null, users: [holder] }
    const found = findings(
      policy({ inbox: 'shared' }),
      orders,
      alone,
      shop(...users, { ...holder, name: 'w' }),
    )
    expect(found.map(({ message }) => message)).toEqual([
      expect.stringContaining(
        'the replies to others in ORDERS (2 users), SHOP (3 users): say inbox: private',
      ),
    ])
  })

  it('but not where another policy takes it away, or it is one’s own', () => {
    const own = policy({ inbox: 'private' }, 'own')
    const both = { ...holder, policies: ['p', 'own'] }
    expect(findings(policy({ inbox: 'shared' }), own, shop(both, { ...both, name: 'v' }))).toEqual([])
    expect(findings(policy({ inbox: 'private' }), two)).toEqual([])
  })
})

describe('what is accepted', () => {
  const documents = documentsOf(policy({ publish: { allow: ['>', '$SYS.>'] } }), shop(holder))
  const all = lint(declaredCensus(documents), placesIn(documents))
  const judge = (...accepted: object[]) =>
    accept(
      all,
      readAcceptances(documents, [
        { path: 'l.yaml', text: JSON.stringify({ kind: 'policy-lint', accept: accepted }) },
      ]),
    )

  it('is taken out, by rule, policy and subject', () => {
    expect(all.map(({ rule, subject }) => `${rule} ${subject}`)).toEqual([
      'too-broad >',
      'too-broad $SYS.>',
      'shadowed $SYS.>',
    ])
    const one = judge({ rule: 'too-broad', policy: 'p', subject: '>', why: 'so' })
    expect(one.findings.map(({ rule }) => rule)).toEqual(['too-broad', 'shadowed'])
    const both = judge(
      { rule: 'too-broad', policy: 'p', why: 'so' },
      { rule: 'shadowed', policy: 'p', why: 'so' },
    )
    expect(both).toEqual({ findings: [], accepted: 3 })
  })

  it('and not found is a finding', () => {
    const { findings } = judge({ rule: 'idle-deny', policy: 'p', why: 'so' })
    expect(findings.at(-1)).toMatchObject({
      rule: 'unused-acceptance',
      severity: 'warning',
      where: 'l.yaml:1:33',
    })
  })

  it('says whose policy it is about: an account’s own is named with its account', () => {
    const own = documentsOf({ ...policy({ publish: { allow: ['>'] } }), account: 'SHOP' }, shop(holder))
    const all = lint(declaredCensus(own), () => undefined)
    expect(all).toMatchObject([{ rule: 'too-broad', where: 'policy p of SHOP publish.allow[0]' }])
    const judged = (about: object) => {
      const text = JSON.stringify({
        kind: 'policy-lint',
        accept: [{ rule: 'too-broad', policy: 'p', why: 'so', ...about }],
      })
      return accept(all, readAcceptances(own, [{ path: 'l.yaml', text }]))
    }
    expect(judged({ account: 'SHOP' })).toEqual({ findings: [], accepted: 1 })
    expect(judged({}).findings.at(-1)?.message).toBe(
      'nothing is found that this accepts (too-broad in policy p): it is found in the one of account SHOP, so say account: SHOP',
    )
    expect(judged({ account: 'SHOP', subject: 'x' }).findings.at(-1)?.message).toBe(
      'nothing is found that this accepts (too-broad in policy p of account SHOP): remove it',
    )
  })

  it.each([
    [{ rule: 'nonsense', policy: 'p', why: 'so' }, /l\.yaml:1:34 accept\[0\]\.rule: must be too-broad, /],
    [{ rule: 'shadowed', policy: 'p' }, /accept\[0\]\.why: is missing/],
  ])('without rule or reason is refused', (acceptance, message) => {
    expect(() => judge(acceptance)).toThrow(message)
  })
})
