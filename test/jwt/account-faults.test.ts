import { describe, expect, it } from 'vitest'
import type { Account } from '../../src/domain/account.ts'
import type { AccountExport, AccountImport } from '../../src/domain/exchange.ts'
import { accountFaults } from '../../src/jwt/account-faults.ts'
import { tenantClaims } from '../../src/jwt/chain.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { anAccount } from '../support/requests.ts'

const [own, callout, other] = ['own', 'callout', 'other'].map(() => createKeyPair('account').publicKey) as [
  string,
  string,
  string,
]
const chain = { system: callout, callout, admin: other, serviceUser: createKeyPair('user').publicKey }

function faultsOf(facts: Partial<Account>): string[] {
  const account = anAccount({ id: own, ...facts })
  const claims = tenantClaims(account, { issuedAt: 0, chain })
  return accountFaults(account, claims).map(({ where, rule }) => `${where} ${rule}`)
}

const news: AccountExport = { subject: 'news.>', type: 'stream', access: 'public' }
const quote: AccountExport = { subject: 'quote.*', type: 'service', access: 'private' }
const heard: AccountImport = { account: other, subject: 'news.>', type: 'stream' }
const asked: AccountImport = { account: other, subject: 'quote.*', type: 'service' }

describe('the faults of an account', () => {
  it('are none where servers take it and do it', () => {
    const latency = { sampling: 'headers', results: 'quote-latency' } as const
    const service = { ...quote, responseType: 'Stream', responseThresholdMs: 500, latency } as const
    expect(
      faultsOf({
        exports: [
          news,
          { ...service, accountTokenPosition: 2, advertise: true, infoUrl: 'https://a.example' },
        ],
        imports: [heard, { ...asked, localSubject: 'ask.$1', share: true }],
        limits: { imports: 2, exports: 2 },
      }),
    ).toEqual([])
  })

  it.each<[readonly AccountExport[], string]>([
    [[{ ...news, subject: 'a..b' }], 'exports[0].subject must not contain empty tokens'],
    [[{ ...news, responseType: 'Stream' }], 'exports[0].responseType is for services only'],
    [[{ ...news, responseThresholdMs: 5 }], 'exports[0].responseThreshold is for services only'],
    [[{ ...news, allowTrace: true }], 'exports[0].allowTrace is for services only'],
    [
      [news, { ...quote, accountTokenPosition: 1 }],
      'exports[1].accountTokenPosition must be the place of a * in the subject, from 1',
    ],
    [
      [{ ...quote, latency: { sampling: 10, results: 'a.*' } }],
      'exports[0].latency.results must not contain wildcards',
    ],
    [
      [{ ...quote, infoUrl: 'nowhere' }],
      'exports[0].infoUrl must be a URL with a protocol and a host, at most 8 KiB',
    ],
    [[news, { ...news, subject: 'news.a' }], 'exports[1].subject must not lie within exports[0]'],
  ])('name the export: %j', (exports, fault) => {
    expect(faultsOf({ exports })).toEqual([fault])
  })

  it.each<[readonly AccountImport[], string]>([
    [[heard, { ...asked, subject: 'a..b' }], 'imports[1].subject must not contain empty tokens'],
    [[{ ...heard, account: own.slice(1) }], 'imports[0].account must be a public key of kind account'],
    [[{ ...asked, allowTrace: true }], 'imports[0].allowTrace is for streams only'],
    [[asked, { ...asked, subject: 'quote.a' }], 'imports[1] must not overlap imports[0] of the same account'],
    [[{ ...asked, token: 'eyJ' }], 'imports[0].token must be an activation token'],
    [
      [{ ...heard, subject: 'auth.v1.>' }],
      'imports[0].subject must not overlap auth.v1.>, which Gatehouse gives every account',
    ],
    [
      [{ ...heard, localSubject: 'auth.>' }],
      'imports[0].localSubject must not overlap auth.v1.>, which Gatehouse gives every account',
    ],
  ])('name the import, and what Gatehouse gives is not counted: %j', (imports, fault) => {
    expect(faultsOf({ imports })).toContain(fault)
  })

  it('are of limits too, which a resolver could not read', () => {
    const rule = 'must be a whole number of 64 bits'
    expect(faultsOf({ limits: { payloadBytes: 9_999_999 * 2 ** 40 } })).toEqual([`limits.payload ${rule}`])
    expect(faultsOf({ limits: { payloadBytes: 2 ** 62 } })).toEqual([])
  })

  it('say when there are more than the limits let in', () => {
    const limits = { imports: 0, exports: 0, wildcardExports: false }
    expect(faultsOf({ limits, exports: [news], imports: [heard] })).toEqual([
      'imports must not be more than limits.imports allows',
      'exports must not be more than limits.exports allows',
      'exports[0].subject must have no wildcards: limits.wildcardExports is false',
    ])
    expect(faultsOf({ limits: { wildcardExports: false }, exports: [news] })).toHaveLength(1)
  })
})
