import { describe, expect, it } from 'vitest'
import { buildAccount, validateAccount } from '../../src/jwt/account.ts'
import { NOW, places, publicKey } from './world.ts'

const own = publicKey('account')
const from = publicKey('account')
const service = { subject: 'q.*', type: 'service' } as const
const stream = { subject: 's.>', type: 'stream' } as const

function faultsOf(nats: object): string[] {
  return places(validateAccount(buildAccount({ publicKey: own, name: 'APP', issuedAt: NOW }, nats)))
}

describe('exports', () => {
  it.each([
    { exports: [service, stream, { subject: 'q.a.b', type: 'service' }, { subject: 'q.*', type: 'stream' }] },
    {
      exports: [
        { ...service, token_req: true, account_token_position: 2, revocations: { [from]: NOW, '*': NOW } },
      ],
    },
    {
      exports: [
        {
          ...service,
          response_type: 'Chunked',
          response_threshold: 5,
          service_latency: { sampling: 'headers', results: 'lat' },
        },
      ],
    },
  ])('are valid with case %#', (nats) => {
    expect(faultsOf(nats)).toEqual([])
  })

  it.each([
    [
      'an overlapping export',
      { exports: [{ ...service, subject: 'q.>' }, service] },
      ['nats.exports[1].subject'],
    ],
    [
      'an export twice',
      { exports: [stream, stream] },
      ['nats.exports[0].subject', 'nats.exports[1].subject'],
    ],
    ['an export of no type', { exports: [{ subject: 'a' }] }, ['nats.exports[0].type']],
    [
      'a token position without *',
      { exports: [{ ...service, account_token_position: 1 }] },
      ['nats.exports[0].account_token_position'],
    ],
    [
      'a token position past the end',
      { exports: [{ ...service, account_token_position: 3 }] },
      ['nats.exports[0].account_token_position'],
    ],
    [
      'a response type of a stream',
      { exports: [{ ...stream, response_type: 'Stream' }] },
      ['nats.exports[0].response_type'],
    ],
    [
      'an unknown response type',
      { exports: [{ ...service, response_type: 'Many' }] },
      ['nats.exports[0].response_type'],
    ],
    [
      'a negative threshold',
      { exports: [{ ...service, response_threshold: -1 }] },
      ['nats.exports[0].response_threshold'],
    ],
    [
      'a traced stream export',
      { exports: [{ ...stream, allow_trace: true }] },
      ['nats.exports[0].allow_trace'],
    ],
    [
      'a bad latency',
      { exports: [{ ...service, service_latency: { sampling: 101, results: 'lat.>' } }] },
      ['nats.exports[0].service_latency.sampling', 'nats.exports[0].service_latency.results'],
    ],
    [
      'a revoked nobody',
      { exports: [{ ...service, revocations: { bob: 1 } }] },
      ['nats.exports[0].revocations.bob'],
    ],
  ])('are refused with %s', (_, nats, expected) => {
    expect(faultsOf(nats)).toEqual(expected)
  })
})
