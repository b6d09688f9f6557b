import { decode as referenceDecode, encodeUser } from '@nats-io/jwt'
import { createAccount, createUser, fromPublic } from '@nats-io/nkeys'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnyClaims, ClaimType, Unsigned } from '../../src/jwt/claims.ts'
import { checkTimes, decode, encode } from '../../src/jwt/token.ts'
import type { NkeyKind } from '../../src/keys/nkey.ts'
import type { Signer } from '../../src/keys/signer.ts'
import { JWTS, refusal } from '../keys/oracle.ts'
import { fresh, NOW, publicKey, userWith } from './world.ts'

const account = fresh('account')
const HEADER = '{"typ":"JWT","alg":"ed25519-nkey"}'
const texts = fc.string({ unit: 'grapheme' })
const lists = fc.array(texts, { maxLength: 4 })
const users = fc
  .record({
    pub: fc.record({ allow: lists, deny: lists }),
    tags: lists,
    subs: fc.integer(),
    bearer_token: fc.boolean(),
  })
  .map(userWith)

/** Signs whatever is given, as an attacker with a key of their own would. */
function forge(payload: unknown, signer: Signer = account, header = HEADER): string {
  const parts = [header, typeof payload === 'string' ? payload : JSON.stringify(payload)]
  const signed = parts.map((part) => Buffer.from(part).toString('base64url')).join('.')
  return `${signed}.${Buffer.from(signer.sign(Buffer.from(signed))).toString('base64url')}`
}

function rule(token: string): string {
  return refusal(() => decode(token), 'invalid_token').message
}

describe('a token', () => {
  it('decodes to the claims it was made of, with issuer and id', () => {
    fc.assert(
      fc.property(users, (claims) => {
        const { type, claims: decoded } = decode(encode(claims, account))
        expect(type).toBe('user')
        expect(decoded).toEqual({ ...claims, iss: account.publicKey, jti: decoded.jti })
        expect(decoded.jti).toMatch(/^[\w-]{43}$/)
      }),
    )
  })

  it('is the same for the same claims, and has another id when anything differs', () => {
    const claims = userWith({ pub: { allow: ['a'] } })
    const token = encode(claims, account)
    expect(encode(structuredClone(claims), account)).toBe(token)
    const others = [
      encode({ ...claims, nats: { ...claims.nats, tags: ['x'] } }, account),
      encode({ ...claims, iat: NOW + 1 }, account),
      encode(claims, fresh('account')),
    ]
    expect(new Set([token, ...others].map((one) => decode(one).claims.jti)).size).toBe(4)
  })

  it('is signed anew from decoded claims as if they had never been signed', () => {
    const claims = userWith({ tags: ['x'] })
    const signer = fresh('account')
    expect(encode(decode(encode(claims, account)).claims, signer)).toBe(encode(claims, signer))
  })

  it('leaves the claims as they are', () => {
    const claims = userWith({})
    const before = structuredClone(claims)
    encode(claims, account)
    expect(claims).toEqual(before)
  })

  it('is understood by the reference library', () => {
    const claims = userWith({ pub: { allow: ['a.>'] } }) // Its decoder reads Latin-1, so ASCII only.
    expect(referenceDecode(encode(claims, account))).toMatchObject({ ...claims, iss: account.publicKey })
  })

  it('of the reference library is understood', async () => {
    const theirs = await encodeUser('bob', createUser(), createAccount(), { pub: { allow: ['a.>'] } })
    expect(decode(theirs)).toMatchObject({
      type: 'user',
      claims: { name: 'bob', nats: { pub: { allow: ['a.>'] }, subs: -1 } },
    })
  })

  it.each(Object.entries(JWTS.tokens))('among the golden vectors is understood: %s', (type, token) => {
    const decoded = decode(token)
    expect(decoded.type).toBe(type)
    expect(decoded.claims).toEqual(referenceDecode(token))
    expect(decoded.claims.iat).toBe(JWTS.issuedAt)
  })

  it('may be as large as one MiB and no larger, on both sides', () => {
    refusal(() => encode(userWith({ tags: ['x'.repeat(800_000)] }), account), 'invalid_token')
    const large = encode(userWith({ tags: ['x'.repeat(700_000)] }), account)
    expect(decode(large).type).toBe('user')
    expect(rule(large.padEnd(1_048_577, 'A'))).toBe('A token must be at most 1 MiB')
  })
})

describe('what is no token', () => {
  const token = encode(userWith({ pub: { allow: ['a.>'] }, tags: ['ü'] }), account)

  it('is refused when any one character is another one', () => {
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(token[at] !== character)
        refusal(() => decode(token.slice(0, at) + character + token.slice(at + 1)), 'invalid_token')
      }),
      { numRuns: 500 },
    )
  })

  it('is refused when cut anywhere or continued with anything', () => {
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.string({ minLength: 1 }), (at, more) => {
        refusal(() => decode(token.slice(0, at)), 'invalid_token')
        refusal(() => decode(token + more), 'invalid_token')
      }),
    )
  })

  it('is refused and never worse, whatever its text, claims or header', () => {
    const json = fc.jsonValue()
    fc.assert(fc.property(fc.string(), (text) => void refusal(() => decode(text), 'invalid_token')))
    fc.assert(fc.property(json, (payload) => void refusal(() => decode(forge(payload)), 'invalid_token')))
    fc.assert(
      fc.property(
        json,
        (nats) =>
          void refusal(() => decode(forge({ sub: 's', iss: account.publicKey, nats })), 'invalid_token'),
      ),
    )
    fc.assert(
      fc.property(
        json,
        (header) => void refusal(() => decode(forge({}, account, JSON.stringify(header))), 'invalid_token'),
      ),
    )
  })

  it('is refused without repeating what it says', () => {
    for (const text of [forge('{"pass":"hunter2"'), forge({ pass: 'hunter2' }), forge('"hunter2"')]) {
      expect(rule(text)).not.toContain('hunter2')
    }
  })

  const body = { sub: 's', iss: account.publicKey, iat: NOW, nats: { type: 'user', version: 2 } }
  it.each([
    ['two parts', 'a.b', 'three parts'],
    ['four parts', `${token}.x`, 'three parts'],
    ['another typ', forge(body, account, '{"typ":"JWS","alg":"ed25519-nkey"}'), 'typ JWT'],
    ['no alg', forge(body, account, '{"typ":"JWT","alg":"none"}'), 'ed25519-nkey'],
    ['the alg of version 1', forge(body, account, '{"typ":"JWT","alg":"ed25519"}'), 'ed25519-nkey'],
    ['padding', `${token}=`, 'base64url'],
    ['a newline', `${token}\n`, 'base64url'],
    ['version 1', forge({ ...body, type: 'user' }), 'version 2'],
    ['no version', forge({ ...body, nats: { type: 'user' } }), 'version 2'],
    ['a version to come', forge({ ...body, nats: { type: 'user', version: 3 } }), 'version 2'],
    ['a dropped type', forge({ ...body, nats: { type: 'server', version: 2 } }), 'known type'],
    ['a type that is no text', forge({ ...body, nats: { type: 7, version: 2 } }), 'known type'],
    ['no issuer', forge({ ...body, iss: undefined }), '"iss"'],
    ['a fraction of a second', forge({ ...body, exp: 1.5 }), '"exp"'],
    [
      'a permission that is no list',
      forge({ ...body, nats: { ...body.nats, pub: { allow: 'a' } } }),
      '"nats.pub.allow"',
    ],
    [
      'a subject that is no text',
      forge({ ...body, nats: { ...body.nats, sub: { deny: ['a', 1] } } }),
      '"nats.sub.deny[1]"',
    ],
    ['the issuer of another', forge({ ...body, iss: publicKey('account') }), 'signature by its issuer'],
  ])('is refused for %s', (_, text, words) => {
    expect(rule(text)).toContain(words)
  })

  it('may have a header written otherwise', () => {
    expect(decode(forge(body, account, '{ "alg":"Ed25519-NKEY", "typ":"jwt", "x":1 }')).type).toBe('user')
  })
})

describe('the issuer', () => {
  const kinds: readonly NkeyKind[] = ['operator', 'account', 'user', 'server', 'cluster']
  const may: Record<ClaimType, readonly NkeyKind[]> = {
    operator: ['operator'],
    account: ['operator', 'account'],
    user: ['account'],
    activation: ['operator', 'account'],
    authorization_request: ['server'],
    authorization_response: ['account'],
    generic: kinds,
  }
  const request = {
    server_id: { name: '', host: '', id: '' },
    user_nkey: '',
    client_info: {},
    connect_opts: { protocol: 1 },
  }

  it.each(Object.entries(may))('of type %s is of the kinds %j, on both sides', (type, allowed) => {
    const nats = { ...request, subject: 'a', kind: 'stream', type, version: 2 }
    for (const kind of kinds) {
      const signer = fresh(kind)
      const claims = { sub: 's', iat: NOW, nats } as unknown as Unsigned<AnyClaims>
      if (allowed.includes(kind)) expect(decode(encode(claims, signer)).claims.iss).toBe(signer.publicKey)
      else {
        refusal(() => encode(claims, signer), 'invalid_token')
        expect(rule(forge({ ...claims, iss: signer.publicKey }, signer))).toContain(
          `must be signed by a key of kind`,
        )
      }
    }
  })

  it('is whom the reference library can verify', () => {
    const token = encode(userWith({}), account)
    const end = token.lastIndexOf('.')
    const signature = Buffer.from(token.slice(end + 1), 'base64url')
    expect(fromPublic(account.publicKey).verify(Buffer.from(token.slice(0, end)), signature)).toBe(true)
  })
})

describe('times', () => {
  it.each([
    [{}, 'current'],
    [{ exp: 0, nbf: 0 }, 'current'],
    [{ exp: NOW }, 'current'],
    [{ exp: NOW - 5 }, 'current'],
    [{ exp: NOW - 6 }, 'expired'],
    [{ nbf: NOW + 5 }, 'current'],
    [{ nbf: NOW + 6 }, 'not_yet_valid'],
    [{ exp: NOW - 6, nbf: NOW + 6 }, 'expired'],
  ])('%j are %s, with a skew of five seconds', (claims, expected) => {
    expect(checkTimes(claims, NOW, 5)).toBe(expected)
  })
})
