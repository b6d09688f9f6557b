import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Callout } from '../../src/callout/callout.ts'
import type { Incoming } from '../../src/callout/open.ts'
import { GatehouseError } from '../../src/errors.ts'
import { decode } from '../../src/jwt/token.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { createToken } from '../../src/keys/token.ts'
import { OUTCOMES } from '../support/counts.ts'
import { directoryOf, type Records } from '../support/records.ts'
import {
  askingServer,
  NOW_MS,
  NOW_SECONDS,
  type Asking,
  type Gate,
  type Outcome,
} from '../support/requests.ts'
import { lockingOut, outOfBudget } from '../support/throttles.ts'
import {
  bobs,
  device,
  keys,
  openGateFor,
  orders,
  PASSWORD,
  passwords,
  storedPeople,
  tokens,
} from './people.ts'
import { openWire, type Wire } from './wire.ts'

let records: Records
let gate: Gate
let wire: Wire
beforeAll(async () => {
  records = await storedPeople()
  gate = await openGateFor(records)
  wire = await openWire(gate)
})
afterAll(async () => {
  await wire[Symbol.asyncDispose]()
  await gate[Symbol.asyncDispose]()
})

interface Row {
  readonly who: string
  readonly what: string
  readonly expected: string
  readonly run: () => Promise<Outcome>
}

const asks = (asking: () => Asking) => () => gate.outcome(gate.server.ask(asking()))
const shows = (who: string, asking: Asking = {}) =>
  asks(() => ({ ...asking, connect: { auth_token: tokens[who]! } }))
const login = (user: string, pass: string) => asks(() => ({ connect: { user, pass } }))
const signed = (text: string) => Buffer.from(device.sign(Buffer.from(text))).toString('base64url')
const signs = (nonce: string, over: string) =>
  asks(() => ({ client: { nonce }, connect: { nkey: device.publicKey, sig: signed(over) } }))
const asAlice = () => gate.server.ask({ connect: { auth_token: tokens['alice']! } })
const sends = (incoming: () => Incoming) => () => gate.outcome(incoming())

const allowed: Row[] = [
  { who: 'alice', what: 'shows her token', run: shows('alice') },
  { who: 'alice', what: 'gives her password', run: login('alice', PASSWORD) },
  { who: 'alice', what: 'gives her token as password', run: login('alice', tokens['alice']!) },
  { who: 'alice', what: 'names her account', run: login('ORDERS/alice', PASSWORD) },
  { who: 'alice', what: 'signs the nonce', run: signs('n0nce', 'n0nce') },
  {
    who: 'alice',
    what: 'comes by MQTT, with her token as password',
    run: asks(() => ({
      client: { type: 'mqtt', mqtt_id: 'd1' },
      connect: { user: 'alice', pass: tokens['alice']!, auth_token: tokens['alice']! },
    })),
  },
  { who: 'sam of OTHER', what: 'says which sam', run: () => login('OTHER/sam', tokens['sam of OTHER']!)() },
  { who: 'bob in another account', what: 'shows his token', run: shows('bob in another account') },
  {
    who: 'somebody for the office only',
    what: 'comes from the office',
    run: shows('somebody for the office only', { client: { host: '192.168.7.7' } }),
  },
  {
    who: 'somebody for browsers only',
    what: 'comes with a browser',
    run: shows('somebody for browsers only', { client: { type: 'websocket' } }),
  },
  { who: 'somebody who works by day', what: 'comes by day', run: shows('somebody who works by day') },
].map((row) => ({ ...row, expected: 'admitted' }))

const away = () => Promise.reject(new GatehouseError('unavailable', 'JetStream is away'))
const denied: Row[] = [
  { who: 'nobody', what: 'offers nothing', expected: 'no_credential', run: asks(() => ({})) },
  {
    who: 'a stranger',
    what: 'shows a token never issued',
    expected: 'unknown_credential',
    run: asks(() => ({ connect: { auth_token: createToken() } })),
  },
  { who: 'a stranger', what: 'names nobody', expected: 'unknown_credential', run: login('eve', 'x') },
  ...[
    { expected: 'locked_out', throttle: lockingOut('alice', NOW_MS) },
    { expected: 'source_over_budget', throttle: outOfBudget('10.1.2.3', NOW_MS) },
  ].map(({ expected, throttle }) => ({
    who: 'alice',
    what: 'gives her password after too many others',
    expected,
    run: () => gate.outcome(gate.server.ask({ connect: { user: 'alice', pass: PASSWORD } }), { throttle }),
  })),
  { who: 'alice', what: 'mistypes', expected: 'wrong_password', run: login('alice', 'correct house') },
  { who: 'alice', what: 'signs another nonce', expected: 'wrong_signature', run: signs('n0nce', 'another') },
  {
    who: 'sam',
    what: 'does not say which',
    expected: 'ambiguous_user',
    run: () => login('sam', tokens['sam of OTHER']!)(),
  },
  ...[
    ['somebody who is connected already', 'too_many_sessions'],
    ['somebody whose connections nobody can count', 'sessions_unknown'],
  ].map(([who = '', expected = '']) => ({ who, what: 'connects once more', expected, run: shows(who) })),
  {
    who: 'alice',
    what: 'takes over a connection of bob',
    expected: 'session_of_another',
    run: () => outcomeWith({ openSessions: { at: () => bobs } }, 'alice'),
  },
  {
    who: 'a guest whose time is over',
    what: 'shows an expired token',
    expected: 'credential_expired',
    run: shows('a guest whose time is over'),
  },
  {
    who: 'alice',
    what: 'gives her password in a storm of others',
    expected: 'hashing_busy',
    run: async () => {
      const storm = passwords.hash('another')
      const outcome = await login('alice', PASSWORD)()
      await storm
      return outcome
    },
  },
  {
    who: 'alice',
    what: 'is not in memory while the store is away',
    expected: 'store_unavailable',
    run: () => outcomeWith({ directory: { ...directoryOf(records), userByToken: away } }, 'alice'),
  },
  {
    who: 'alice',
    what: 'comes before there is an operator',
    expected: 'operator_missing',
    run: () => outcomeWith({ directory: directoryOf({ ...records, operator: undefined }) }, 'alice'),
  },
  ...Object.entries({
    'somebody of an account unheard of': 'account_missing',
    'somebody of the callout account': 'account_reserved',
    'somebody of an account without a key': 'key_missing',
    'somebody of a suspended account': 'account_suspended',
    'somebody of an expired account': 'account_expired',
    'somebody who is locked': 'user_locked',
    'somebody whose time is over': 'user_expired',
    'somebody whose role is gone': 'role_missing',
    'somebody whose policy is gone': 'policy_missing',
    'somebody for the office only': 'source_not_allowed',
    'somebody for browsers only': 'connection_type_not_allowed',
    'somebody who works at night': 'outside_window',
    'somebody without a region': 'template_value_missing',
    'somebody whose policy crosses the boundary': 'grant_too_large',
    'somebody whose policy makes no JWT': 'grant_invalid',
  }).map(([who, expected]) => ({ who, what: 'shows a good token', expected, run: shows(who) })),
].map((row) => ({ ...row, expected: `denied ${row.expected}` }))

const dropped: Row[] = [
  {
    who: 'anybody',
    what: 'sends more than a request can hold',
    expected: 'oversized',
    run: sends(() => ({ data: Buffer.alloc(200_000), serverXkey: undefined })),
  },
  {
    who: 'a server',
    what: 'does not box its request',
    expected: 'plaintext',
    run: sends(() => ({ data: Buffer.from(gate.server.token()), serverXkey: undefined })),
  },
  {
    who: 'a server',
    what: 'boxes for somebody else',
    expected: 'unopenable',
    run: sends(() => ({ ...gate.server.ask(), serverXkey: createKeyPair('curve').publicKey })),
  },
  {
    who: 'a server',
    what: 'boxes what is no request',
    expected: 'malformed',
    run: sends(() => gate.server.wrap(Buffer.from('PING'))),
  },
  {
    who: 'a forger',
    what: 'alters the signature',
    expected: 'untrusted_signature',
    run: sends(() => gate.server.wrap(Buffer.from(gate.server.token().replace(/.{86}$/, 'A'.repeat(86))))),
  },
  {
    who: 'a server that is none of ours',
    what: 'asks in due form',
    expected: 'untrusted_server',
    run: sends(() => {
      const { callout, xkey } = gate.trust.chain
      return askingServer({ account: callout, xkey: xkey! }).ask()
    }),
  },
  {
    who: 'a server',
    what: 'asks somebody else',
    expected: 'wrong_audience',
    run: asks(() => ({ claims: { aud: 'somebody else' } })),
  },
  {
    who: 'a server',
    what: 'asks another callout account',
    expected: 'wrong_account',
    run: asks(() => ({ claims: { sub: orders.id } })),
  },
  {
    who: 'alice',
    what: 'is asked for too late',
    expected: 'expired',
    run: shows('alice', { claims: { exp: NOW_SECONDS - 1 } }),
  },
  {
    who: 'alice',
    what: 'was let in by this very request',
    expected: 'replayed',
    run: async () => {
      const request = asAlice()
      expect((await gate.outcome(request)).counted).toEqual(['admitted'])
      return gate.outcome(request)
    },
  },
  {
    who: 'alice',
    what: 'comes when our hands are full',
    expected: 'overloaded',
    run: () => wire.outcome(asAlice(), { gate, concurrencyMax: 0 }),
  },
  {
    who: 'alice',
    what: 'meets a fault of ours',
    expected: 'internal_error',
    run: () => {
      const userByToken = () => Promise.reject(new TypeError('ours'))
      const with_ = { directory: { ...directoryOf(records), userByToken } }
      return wire.outcome(asAlice(), { gate, with: with_, concurrencyMax: 1 })
    },
  },
].map((row) => ({ ...row, expected: `dropped ${row.expected}` }))

const table = [...allowed, ...denied, ...dropped]

describe('the decision on', () => {
  it.each(table)('$who, who $what → $expected', async ({ expected, run }) => {
    const { counted: counts, answer: answered } = await run()
    expect(counts).toEqual([expected])
    const [outcome, reason] = expected.split(' ')
    if (outcome === 'dropped') expect(answered).toBeUndefined()
    if (outcome === 'denied') expect([answered?.nats.error, answered?.nats.jwt]).toEqual([reason, undefined])
    if (outcome === 'admitted') {
      expect(answered?.nats.error).toBeUndefined()
      expect(decode(answered?.nats.jwt ?? '').claims).toMatchObject({ sub: answered?.sub })
    }
  })
})

it('every reason there is has its row, and every row its reason', () => {
  expect([...new Set(table.map(({ expected }) => expected))].sort()).toEqual([...OUTCOMES].sort())
})

it('alice gets what her policy says, by the key of her account', async () => {
  const { answer: answered } = await shows('alice')()
  const { type, claims } = decode(answered?.nats.jwt ?? '')
  expect(type).toBe('user')
  expect(claims).toMatchObject({
    iss: keys.ORDERS.publicKey,
    name: 'alice',
    nats: { pub: { allow: ['orders.>'] }, sub: { allow: ['_INBOX.>'] } },
  })
})

function outcomeWith(with_: Partial<Callout>, who: string): Promise<Outcome> {
  return gate.outcome(gate.server.ask({ connect: { auth_token: tokens[who]! } }), with_)
}
