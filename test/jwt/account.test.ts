import { describe, expect, it } from 'vitest'
import {
  accountLimits,
  buildAccount,
  UNLIMITED_ACCOUNT,
  UNLIMITED_JETSTREAM,
  validateAccount,
} from '../../src/jwt/account.ts'
import { decode, encode } from '../../src/jwt/token.ts'
import { fresh, NOW, places, publicKey } from './world.ts'

const own = publicKey('account')
const from = publicKey('account')
const identity = { publicKey: own, name: 'APP', issuedAt: NOW }
const service = { subject: 'q.*', type: 'service' } as const
const imported = { ...service, account: from }

function faultsOf(nats: object): string[] {
  return places(validateAccount(buildAccount(identity, nats)))
}

describe('the limits of an account', () => {
  it('are all written and none of them limits, until told otherwise', () => {
    expect(accountLimits()).toEqual(UNLIMITED_ACCOUNT)
    expect(accountLimits({ conn: 5 })).toEqual({ ...UNLIMITED_ACCOUNT, conn: 5 })
  })

  it('have JetStream once they have storage, of that sort', () => {
    expect(accountLimits({ disk_storage: 10 })).toEqual({
      ...UNLIMITED_ACCOUNT,
      ...UNLIMITED_JETSTREAM,
      mem_storage: 0,
      disk_storage: 10,
    })
    expect(accountLimits({ tiered_limits: { R1: UNLIMITED_JETSTREAM } })).not.toHaveProperty('disk_storage')
  })
})

describe('an account', () => {
  it('is built complete and valid', () => {
    const claims = buildAccount({ ...identity, expiresAt: NOW + 60 }, {})
    expect(claims).toEqual({
      sub: own,
      name: 'APP',
      iat: NOW,
      exp: NOW + 60,
      nats: { limits: UNLIMITED_ACCOUNT, type: 'account', version: 2 },
    })
    expect(decode(encode(claims, fresh('operator'))).type).toBe('account')
  })

  it.each([
    { limits: { tiered_limits: { R1: UNLIMITED_JETSTREAM, R3: { disk_storage: 1 } } } },
    {
      signing_keys: [
        from,
        {
          kind: 'user_scope',
          key: publicKey('account'),
          role: 'r',
          template: { pub: { allow: ['{{name()}}.>'] } },
        },
      ],
    },
    { revocations: { [publicKey('user')]: NOW, '*': NOW } },
    { authorization: { auth_users: [publicKey('user')], allowed_accounts: ['*'], xkey: publicKey('curve') } },
    { authorization: { auth_users: [publicKey('user')], allowed_accounts: [from, own] } },
    {
      mappings: {
        'a.*': [
          { subject: 'b.$1', weight: 60 },
          { subject: 'c.$1', weight: 40 },
          { subject: 'd', cluster: 'C1' },
        ],
      },
    },
    {
      trace: { dest: 'trace.app', sampling: 100 },
      cluster_traffic: 'owner',
      description: 'x',
      info_url: 'https://h/x',
    },
    { default_permissions: { pub: { deny: ['>'] }, sub: { allow: ['a queue'] } } },
  ])('is valid with case %#', (nats) => {
    expect(faultsOf(nats)).toEqual([])
  })

  it.each([
    ['too many imports', { imports: [imported], limits: { imports: 0 } }, ['nats.imports']],
    ['too many exports', { exports: [service], limits: { exports: 0 } }, ['nats.exports']],
    [
      'wildcards that are not allowed',
      { exports: [service], limits: { exports: 1, wildcards: false } },
      ['nats.exports'],
    ],
    [
      'tiers beside flat limits',
      { limits: { disk_storage: 1, tiered_limits: { R1: {} } } },
      ['nats.limits.tiered_limits'],
    ],
    [
      'numbers that are no 64-bit integers',
      { limits: { payload: 2 ** 63, conn: 0.5, tiered_limits: { R1: { disk_storage: 1e300 } } } },
      ['nats.limits.payload', 'nats.limits.conn', 'nats.limits.tiered_limits.R1.disk_storage'],
    ],
    ['a tier without a name', { limits: { tiered_limits: { '': {} } } }, ['nats.limits.tiered_limits']],
    ['a signing key that is none', { signing_keys: [publicKey('operator')] }, ['nats.signing_keys[0]']],
    [
      'a scope of another kind with a bad template',
      { signing_keys: [{ kind: 'x', key: from, role: '', template: { pub: { allow: ['a..b'] } } }] },
      ['nats.signing_keys[0].kind', 'nats.signing_keys[0].template.pub.allow[0]'],
    ],
    ['a revoked account', { revocations: { [from]: 1 } }, [`nats.revocations.${from}`]],
    [
      'allowed accounts without users',
      { authorization: { allowed_accounts: ['*'] } },
      ['nats.authorization.allowed_accounts'],
    ],
    [
      'a callout of strangers',
      { authorization: { auth_users: [from], allowed_accounts: ['*', 'APP'], xkey: from } },
      [
        'nats.authorization.auth_users[0]',
        'nats.authorization.allowed_accounts[0]',
        'nats.authorization.allowed_accounts[1]',
        'nats.authorization.xkey',
      ],
    ],
    [
      'mappings over 100',
      {
        mappings: {
          a: [
            { subject: 'b', weight: 60 },
            { subject: 'c', weight: 41 },
          ],
        },
      },
      ['nats.mappings.a'],
    ],
    ['two full mappings', { mappings: { a: [{ subject: 'b' }, { subject: 'c' }] } }, ['nats.mappings.a']],
    [
      'a mapping over 100',
      { mappings: { a: [{ subject: 'b', weight: 101, cluster: 'C1' }] } },
      ['nats.mappings.a[0].weight', 'nats.mappings.a'],
    ],
    [
      'a mapping of no subject',
      { mappings: { 'a..b': [{ subject: '' }] } },
      ['nats.mappings.a..b', 'nats.mappings.a..b[0].subject'],
    ],
    ['a bad trace', { trace: { dest: 'a.*', sampling: 101 } }, ['nats.trace.dest', 'nats.trace.sampling']],
    ['unknown cluster traffic', { cluster_traffic: 'both' }, ['nats.cluster_traffic']],
    ['a link without a host', { info_url: 'nothing' }, ['nats.info_url']],
    ['a long description', { description: 'x'.repeat(8_193) }, ['nats.description']],
    [
      'default permissions with a publishing queue',
      { default_permissions: { pub: { allow: ['a q'] } } },
      ['nats.default_permissions.pub.allow[0]'],
    ],
  ])('is refused with %s', (_, nats, expected) => {
    expect(faultsOf(nats)).toEqual(expected)
  })

  it('is refused when it is none', () => {
    expect(places(validateAccount(buildAccount({ ...identity, publicKey: publicKey('user') }, {})))).toEqual([
      'sub',
    ])
  })
})
