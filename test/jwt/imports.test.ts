import { describe, expect, it } from 'vitest'
import { buildAccount, validateAccount } from '../../src/jwt/account.ts'
import { buildActivation, validateActivation } from '../../src/jwt/activation.ts'
import { encode } from '../../src/jwt/token.ts'
import { fresh, NOW, places, publicKey } from './world.ts'

const own = publicKey('account')
const exporter = fresh('account')
const from = exporter.publicKey
const service = { subject: 'q.*', type: 'service' } as const
const stream = { subject: 's.>', type: 'stream' } as const
const imported = { ...service, account: from }

function faultsOf(nats: object): string[] {
  return places(validateAccount(buildAccount({ publicKey: own, name: 'APP', issuedAt: NOW }, nats)))
}

function activation(grant: object = {}, signer = exporter): string {
  const defaults = { account: own, subject: 'q.*', kind: 'service' as const, issuedAt: NOW }
  return encode(buildActivation({ ...defaults, ...grant }), signer)
}

describe('imports', () => {
  it.each([
    {
      imports: [
        { ...imported, local_subject: 'local.$1', share: true },
        { ...stream, account: from, allow_trace: true },
      ],
    },
    { imports: [imported, { ...imported, account: publicKey('account') }] },
    {
      imports: [
        { ...imported, token: activation() },
        { ...imported, subject: 'q.a', local_subject: 'elsewhere', token: activation() },
      ],
    },
    { imports: [{ ...stream, account: from, local_subject: 'in.>' }] },
  ])('are valid with case %#', (nats) => {
    expect(faultsOf(nats)).toEqual([])
  })

  it.each([
    ['an import from nobody', { imports: [{ ...imported, account: '' }] }, ['nats.imports[0].account']],
    ['an import of no type', { imports: [{ ...imported, type: 'x' }] }, ['nats.imports[0].type']],
    ['overlapping imports', { imports: [imported, { ...imported, subject: 'q.a' }] }, ['nats.imports[1]']],
    [
      'imports that overlap once renamed',
      {
        imports: [
          { ...imported, local_subject: 'l.$1' },
          { ...imported, subject: 'l.x' },
        ],
      },
      ['nats.imports[1]'],
    ],
    ['a deprecated field', { imports: [{ ...imported, to: 'x' }] }, ['nats.imports[0].to']],
    ['a shared stream', { imports: [{ ...stream, account: from, share: true }] }, ['nats.imports[0].share']],
    [
      'a traced service import',
      { imports: [{ ...imported, allow_trace: true }] },
      ['nats.imports[0].allow_trace'],
    ],
    [
      'a local subject without its *',
      { imports: [{ ...imported, local_subject: 'l' }] },
      ['nats.imports[0].local_subject'],
    ],
    [
      'a local subject with a strange *',
      { imports: [{ ...imported, local_subject: 'l.$2' }] },
      ['nats.imports[0].local_subject'],
    ],
    [
      'a local subject without its >',
      { imports: [{ ...stream, account: from, local_subject: 'l' }] },
      ['nats.imports[0].local_subject'],
    ],
    ['a token that is none', { imports: [{ ...imported, token: 'x.y.z' }] }, ['nats.imports[0].token']],
    [
      'a token of another account',
      { imports: [{ ...imported, token: activation({}, fresh('account')) }] },
      ['nats.imports[0].token'],
    ],
    [
      'a token for another account',
      { imports: [{ ...imported, token: activation({ account: from }) }] },
      ['nats.imports[0].token'],
    ],
    [
      'a token of another type',
      { imports: [{ ...imported, token: activation({ kind: 'stream' }) }] },
      ['nats.imports[0].token'],
    ],
    [
      'a token for something smaller',
      { imports: [{ ...imported, token: activation({ subject: 'q.a' }) }] },
      ['nats.imports[0].token'],
    ],
  ])('are refused with %s', (_, nats, expected) => {
    expect(faultsOf(nats)).toEqual(expected)
  })
})

describe('an activation', () => {
  it('is built valid', () => {
    const claims = buildActivation({
      account: own,
      subject: 'q.*',
      kind: 'service',
      name: 'q',
      issuerAccount: from,
      issuedAt: NOW,
      expiresAt: NOW + 1,
    })
    expect(validateActivation(claims)).toEqual([])
    expect(claims).toEqual({
      sub: own,
      iat: NOW,
      name: 'q',
      exp: NOW + 1,
      nats: { subject: 'q.*', kind: 'service', issuer_account: from, type: 'activation', version: 2 },
    })
  })

  it('is refused for every field that is wrong', () => {
    const claims = buildActivation({
      account: 'x',
      subject: '',
      kind: 'y' as 'stream',
      issuerAccount: 'z',
      issuedAt: NOW,
    })
    expect(places(validateActivation(claims))).toEqual([
      'sub',
      'nats.subject',
      'nats.issuer_account',
      'nats.kind',
    ])
  })
})
