import { describe, expect, it } from 'vitest'
import { buildAccount } from '../../src/jwt/account.ts'
import type { AccountClaims, OperatorClaims, UserClaims } from '../../src/jwt/claims.ts'
import { buildAccountDeletion } from '../../src/jwt/generic.ts'
import { buildOperator, validateOperator } from '../../src/jwt/operator.ts'
import { decode, encode } from '../../src/jwt/token.ts'
import { accountDidSign, operatorDidSign, signingKeys } from '../../src/jwt/trust.ts'
import { buildScopedUser, buildUser } from '../../src/jwt/user.ts'
import type { Signer } from '../../src/keys/signer.ts'
import { fresh, NOW, places, publicKey } from './world.ts'

const root = fresh('operator')
const signing = fresh('operator')
const identity = { publicKey: root.publicKey, name: 'OP', issuedAt: NOW }

describe('an operator', () => {
  it('is built valid', () => {
    const claims = buildOperator(identity, {
      signing_keys: [signing.publicKey],
      system_account: publicKey('account'),
      account_server_url: 'nats://127.0.0.1:4222',
      operator_service_urls: ['nats://127.0.0.1:4222', 'tls://h', 'ws://h:80', 'wss://[::1]:443', ''],
      assert_server_version: '2.12.7',
      strict_signing_key_usage: true,
    })
    expect(validateOperator(claims)).toEqual([])
    expect(decode(encode(claims, root))).toMatchObject({
      type: 'operator',
      claims: { ...claims, iss: root.publicKey },
    })
  })

  it.each([
    [{ signing_keys: [publicKey('account')] }, 'nats.signing_keys[0]'],
    [{ system_account: publicKey('operator') }, 'nats.system_account'],
    [{ account_server_url: 'localhost' }, 'nats.account_server_url'],
    [{ operator_service_urls: ['http://h'] }, 'nats.operator_service_urls[0]'],
    [{ operator_service_urls: ['nats://h', 'nats://user:pass@h'] }, 'nats.operator_service_urls[1]'],
    [{ operator_service_urls: ['nats://h/path'] }, 'nats.operator_service_urls[0]'],
    [{ assert_server_version: '2.12' }, 'nats.assert_server_version'],
    [{ assert_server_version: 'v2.12.7' }, 'nats.assert_server_version'],
  ])('is refused with %j', (nats, where) => {
    expect(places(validateOperator(buildOperator(identity, nats)))).toEqual([where])
  })

  it('is refused when it is none', () => {
    expect(
      places(validateOperator(buildOperator({ ...identity, publicKey: publicKey('user') }, {}))),
    ).toEqual(['sub'])
  })

  it('signs what deletes accounts', () => {
    const accounts = [publicKey('account')]
    const token = encode(buildAccountDeletion({ operator: root.publicKey, accounts, issuedAt: NOW }), signing)
    expect(decode(token)).toMatchObject({
      type: 'generic',
      claims: { sub: root.publicKey, nats: { accounts } },
    })
  })
})

describe('what an operator signed', () => {
  const account = { publicKey: publicKey('account'), name: 'APP', issuedAt: NOW }

  it.each([
    { by: 'its root key', signer: root, strict: false, expected: true },
    { by: 'its root key', signer: root, strict: true, expected: false },
    { by: 'a signing key', signer: signing, strict: false, expected: true },
    { by: 'a signing key', signer: signing, strict: true, expected: true },
    { by: 'another operator', signer: fresh('operator'), strict: false, expected: false },
    { by: 'the account itself', signer: fresh('account'), strict: false, expected: false },
  ])('by $by, strict $strict: $expected', ({ signer, strict, expected }) => {
    const nats = { signing_keys: [signing.publicKey], strict_signing_key_usage: strict }
    const operator = decode(encode(buildOperator(identity, nats), root)).claims as OperatorClaims
    expect(operatorDidSign(operator, decode(encode(buildAccount(account, {}), signer)).claims)).toBe(expected)
    expect(operatorDidSign(operator, operator)).toBe(true)
  })
})

describe('what an account signed', () => {
  const own = fresh('account')
  const key = fresh('account')
  const scoped = fresh('account')
  const claims = buildAccount(
    { publicKey: own.publicKey, name: 'APP', issuedAt: NOW },
    { signing_keys: [key.publicKey, { kind: 'user_scope', key: scoped.publicKey, role: 'r', template: {} }] },
  )
  const account = decode(encode(claims, root)).claims as AccountClaims
  const user = { publicKey: publicKey('user'), name: 'alice', issuedAt: NOW }
  const named = { ...user, issuerAccount: own.publicKey }
  const sign = (what: ReturnType<typeof buildUser>, signer: Signer): UserClaims =>
    decode(encode(what, signer)).claims as UserClaims

  it.each([
    { by: 'its root key', claims: sign(buildUser(user, {}), own), expected: true },
    { by: 'a signing key that names it', claims: sign(buildUser(named, {}), key), expected: true },
    { by: 'a scoped key that names it', claims: sign(buildScopedUser(named), scoped), expected: true },
    { by: 'a signing key that names nobody', claims: sign(buildUser(user, {}), key), expected: false },
    { by: 'a stranger that names it', claims: sign(buildUser(named, {}), fresh('account')), expected: false },
  ])('by $by: $expected', ({ claims: signed, expected }) => {
    expect(accountDidSign(account, signed)).toBe(expected)
  })

  it('is by keys that can be listed', () => {
    expect(signingKeys(account)).toEqual([key.publicKey, scoped.publicKey])
  })
})
