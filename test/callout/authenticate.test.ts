import { beforeAll, describe, expect, it } from 'vitest'
import { authenticate, type Authentication, type PasswordCheck } from '../../src/callout/authenticate.ts'
import type { Directory } from '../../src/callout/directory.ts'
import type { Offer } from '../../src/callout/identify.ts'
import { Denial } from '../../src/callout/reason.ts'
import type { Credential, User } from '../../src/domain/user.ts'
import { GatehouseError } from '../../src/errors.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { Passwords } from '../../src/keys/password.ts'
import { signerOf } from '../../src/keys/signer.ts'
import { createToken, hashToken } from '../../src/keys/token.ts'
import { directoryOf } from '../support/records.ts'
import { aToken, aUser, anAccount } from '../support/requests.ts'

const orders = anAccount({ name: 'ORDERS' })
const analytics = anAccount({ name: 'ANALYTICS' })
const tokens = {
  alice: createToken(),
  second: createToken(),
  samOfOrders: createToken(),
  stranger: createToken(),
  kim: createToken(),
}
const device = signerOf(createKeyPair('user'))
const passwords = new Passwords({ concurrencyMax: 4 })

const fact = { createdAt: '2026-01-01T00:00:00.000Z' }
let alice: User
let directory: Directory

beforeAll(async () => {
  const kept = async (id: string, password: string): Promise<Credential> => ({
    ...fact,
    id,
    kind: 'password',
    hash: await passwords.hash(password),
  })
  alice = aUser({
    account: orders.id,
    name: 'alice',
    credentials: [
      aToken(tokens.alice, { id: 'T1' }),
      aToken(tokens.second, { id: 'T2' }),
      await kept('PW1', 'first'),
      await kept('PW2', 'other'),
      { ...fact, id: 'N1', kind: 'nkey', publicKey: device.publicKey },
    ],
  })
  const sams = [
    aUser({ account: orders.id, name: 'sam', id: 'sam-1', credentials: [aToken(tokens.samOfOrders)] }),
    aUser({ account: analytics.id, name: 'sam', id: 'sam-2' }),
    aUser({ account: orders.id, name: 'kim', id: 'kim-1', credentials: [aToken(tokens.kim)] }),
    aUser({ account: createKeyPair('account').publicKey, name: 'kim', id: 'kim-2' }),
  ]
  directory = directoryOf({ accounts: [orders, analytics], policies: [], users: [alice, ...sams] })
})

/** Nobody the throttle would hold up. */
const anybody: Authentication['visitor'] = {
  passwordRefused: () => undefined,
  userRefused: () => undefined,
  judged: (_, proven) => proven,
}
const asked = async (offers: readonly Offer[], by: Partial<Authentication> = {}): Promise<string> => {
  const proven = await authenticate(offers, { directory, passwords, visitor: anybody, ...by })
  return proven instanceof Denial ? proven.reason : `${proven.user.name} by ${proven.credential.id}`
}
const token = (text: string): Offer => ({ kind: 'token', token: text })
const password = (user: string, text: string): Offer => ({ kind: 'password', user, password: text })
const nkey = (nonce: string, over = nonce, signer = device, publicKey = signer.publicKey): Offer => ({
  kind: 'nkey',
  publicKey,
  nonce,
  signature: Buffer.from(signer.sign(Buffer.from(over))).toString('base64url'),
})
const stranger = signerOf(createKeyPair('user'))

describe('somebody is proven', () => {
  it.each<[what: string, offers: () => Offer[], who: string]>([
    ['a token', () => [token(tokens.alice)], 'alice by T1'],
    ['another of the same user', () => [token(tokens.second)], 'alice by T2'],
    ['user and password', () => [password('alice', 'first')], 'alice by PW1'],
    ['user and any of the passwords', () => [password('alice', 'other')], 'alice by PW2'],
    ['user and a token in place of the password', () => [password('alice', tokens.second)], 'alice by T2'],
    ['ACCOUNT/user', () => [password('ORDERS/alice', 'first')], 'alice by PW1'],
    ['the id of the account', () => [password(`${orders.id}/alice`, 'first')], 'alice by PW1'],
    [
      'ACCOUNT/user where two have the name',
      () => [password('ORDERS/sam', tokens.samOfOrders)],
      'sam by token-1',
    ],
    [
      'a name that is left over from a deleted account as well',
      () => [password('kim', tokens.kim)],
      'kim by token-1',
    ],
    ['an nkey that signed the nonce', () => [nkey('n0nce')], 'alice by N1'],
    [
      'an MQTT password that is a token: it needs no user',
      () => [token(tokens.alice), password('whoever', tokens.alice)],
      'alice by T1',
    ],
    ['an MQTT password that is no token', () => [token('first'), password('alice', 'first')], 'alice by PW1'],
    [
      'a token beside an nkey nobody knows',
      () => [nkey('n', 'n', stranger), token(tokens.alice)],
      'alice by T1',
    ],
  ])('by %s', async (_, offers, who) => {
    expect(await asked(offers())).toBe(who)
  })
})

describe('nobody is proven', () => {
  it.each<[what: string, offers: () => Offer[], reason: string]>([
    ['no offer', () => [], 'no_credential'],
    ['a token never issued', () => [token(tokens.stranger)], 'unknown_credential'],
    ['what is no token', () => [token('secret')], 'unknown_credential'],
    ['the hash of a token', () => [token(hashToken(tokens.alice))], 'unknown_credential'],
    ['a wrong password', () => [password('alice', 'wrong')], 'wrong_password'],
    ['an empty user', () => [password('', 'first')], 'unknown_credential'],
    ['a password of a user without any', () => [password('ORDERS/sam', 'first')], 'wrong_password'],
    ['a user nobody knows', () => [password('mallory', 'first')], 'unknown_credential'],
    ["another user's token as password", () => [password('alice', tokens.samOfOrders)], 'unknown_credential'],
    ['a token for a user nobody knows', () => [password('mallory', tokens.alice)], 'unknown_credential'],
    ['a name that two have', () => [password('sam', tokens.samOfOrders)], 'ambiguous_user'],
    ['a user of another account', () => [password('ANALYTICS/alice', 'first')], 'unknown_credential'],
    ['an account nobody knows', () => [password('NONE/alice', 'first')], 'unknown_credential'],
    ['an account and no user', () => [password('ORDERS/', 'first')], 'unknown_credential'],
    ['a path', () => [password('ORDERS/x/alice', 'first')], 'unknown_credential'],
    ['a user with a wildcard', () => [password('*', 'first')], 'unknown_credential'],
    ['an nkey that signed another nonce', () => [nkey('n', 'm')], 'wrong_signature'],
    [
      'an nkey that somebody else signed for',
      () => [nkey('n', 'n', stranger, device.publicKey)],
      'wrong_signature',
    ],
    ['an nkey nobody knows', () => [nkey('n', 'n', stranger)], 'unknown_credential'],
    ['an nkey that is none', () => [nkey('n', 'n', device, 'U')], 'wrong_signature'],
    ['several, for the reason of the last', () => [token('x'), password('alice', 'wrong')], 'wrong_password'],
  ])('by %s', async (_, offers, reason) => {
    expect(await asked(offers())).toBe(reason)
  })

  it('while as many passwords are being checked as may be', async () => {
    const one = new Passwords({ concurrencyMax: 1 })
    const busy = one.hash('anything')
    expect(await asked([password('alice', 'first')], { passwords: one })).toBe('hashing_busy')
    expect(await asked([password('mallory', 'first')], { passwords: one })).toBe('hashing_busy')
    expect(await asked([password('ORDERS/sam', 'first')], { passwords: one })).toBe('hashing_busy')
    expect(await asked([token(tokens.alice)], { passwords: one }), 'a token needs no hash').toBe(
      'alice by T1',
    )
    expect(await asked([password('alice', tokens.alice)], { passwords: one })).toBe('alice by T1')
    await busy
    expect(await asked([password('alice', 'first')], { passwords: one })).toBe('alice by PW1')
  })

  it('while the store cannot be asked', async () => {
    const away = (): Promise<never> => Promise.reject(new GatehouseError('unavailable', 'JetStream is away'))
    const by = { directory: { ...directory, userByToken: away, userByNkey: away, usersNamed: away } }
    expect(await asked([token(tokens.alice)], by)).toBe('store_unavailable')
    expect(await asked([password('alice', 'first')], by)).toBe('store_unavailable')
    expect(await asked([nkey('n')], by)).toBe('store_unavailable')
    expect(await asked([token('no token')], by), 'not worth a look-up').toBe('unknown_credential')
    expect(await asked([password('x'.repeat(16_000), 'first')], by), 'not worth a look-up').toBe(
      'unknown_credential',
    )
  })

  it('by a user that the index leads to, but who does not hold the credential any more', async () => {
    const stale = { ...directory, userByToken: () => alice, userByNkey: () => alice }
    expect(await asked([token(tokens.stranger)], { directory: stale })).toBe('unknown_credential')
    expect(await asked([nkey('n', 'n', stranger)], { directory: stale })).toBe('unknown_credential')
  })

  it('when something of ours breaks: that is no refusal', async () => {
    const broken = { ...directory, userByToken: () => Promise.reject(new TypeError('a fault of ours')) }
    await expect(asked([token(tokens.alice)], { directory: broken })).rejects.toThrow(TypeError)
  })
})

describe('who exists cannot be told from the work a guess costs', () => {
  it.each(['alice', 'ORDERS/sam', 'sam', 'mallory', 'NONE/alice', '*'])(
    '"%s" costs hashes like anybody',
    async (user) => {
      let hashed = 0
      const counting: PasswordCheck = {
        verify: (phc, text) => ((hashed += 1), passwords.verify(phc, text)),
        verifyAbsent: (text) => ((hashed += 1), passwords.verifyAbsent(text)),
      }
      await asked([password(user, 'wrong')], { passwords: counting })
      expect(hashed).toBeGreaterThan(0)
      hashed = 0
      await asked([password(user, tokens.stranger)], { passwords: counting })
      expect(hashed).toBe(0)
    },
  )
})
