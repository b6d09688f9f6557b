import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCreds } from '@nats-io/jwt'
import { createAccount, createUser, fromSeed } from '@nats-io/nkeys'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cryptoBackends } from '../../src/keys/crypto.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { verify } from '../../src/keys/signer.ts'
import { Vault, type SealedKey } from '../../src/keys/vault.ts'
import { xkeyOf } from '../../src/keys/xkey.ts'
import { NKEYS, JWTS, refusal } from './oracle.ts'

const vault = new Vault(new Uint8Array(32).fill(1))
const other = new Vault(new Uint8Array(32).fill(2))
const bytes = Buffer.from('message')
const { keys } = NKEYS
const jwts = JWTS

describe.each(cryptoBackends)('a vault over $name', (crypto) => {
  const here = new Vault(new Uint8Array(32).fill(1), { crypto })

  it.each(['operator', 'account', 'user', 'server', 'cluster'] as const)(
    'signs with a %s key it made',
    (kind) => {
      const sealed = JSON.parse(JSON.stringify(here.generate(kind))) as SealedKey
      const signer = vault.signer(sealed)
      expect(signer.publicKey).toBe(sealed.publicKey)
      expect(verify(sealed.publicKey, bytes, signer.sign(bytes))).toBe(true)
    },
  )

  it('boxes with a curve key it made', () => {
    const sealed = here.generate('curve')
    const peer = xkeyOf(createKeyPair('curve'))
    const box = here.xkey(sealed).seal(bytes, peer.publicKey)
    expect(Buffer.from(peer.open(box, sealed.publicKey)!)).toEqual(bytes)
  })

  it.each(keys)('takes over a seed of the reference library: $kind', ({ seed, publicKey, signature }) => {
    const sealed = here.adopt(`${seed}\n`)
    expect(sealed.publicKey).toBe(publicKey)
    const { message } = NKEYS
    expect(Buffer.from(here.signer(sealed).sign(Buffer.from(message))).toString('base64url')).toBe(signature)
  })
})

describe('what is sealed', () => {
  it('holds nothing of the seed, and differs every time', () => {
    const { seed } = keys[2]!
    const [first, second] = [vault.adopt(seed), vault.adopt(seed)]
    expect(first.box).not.toBe(second.box)
    expect(first.nonce).not.toBe(second.nonce)
    const raw = Buffer.alloc(32, keys[2]!.raw)
    for (const form of [seed, raw.toString('hex'), raw.toString('base64url')]) {
      expect(JSON.stringify(first)).not.toContain(form)
    }
  })

  it('does not open when any bit of it was flipped', () => {
    const sealed = vault.generate('user')
    fc.assert(
      fc.property(fc.constantFrom('box', 'nonce'), fc.nat(), (part, at) => {
        const altered = Buffer.from(sealed[part], 'base64url')
        const bit = at % (altered.length * 8)
        altered[bit >> 3]! ^= 1 << (bit & 7)
        refusal(() => vault.signer({ ...sealed, [part]: altered.toString('base64url') }), 'invalid_key')
      }),
    )
  })

  it('is refused, never worse, when it is anything at all', () => {
    const sealed = vault.generate('user')
    fc.assert(
      fc.property(fc.string(), fc.string(), (box, nonce) => {
        refusal(() => vault.signer({ ...sealed, box, nonce }), 'invalid_key')
      }),
    )
  })

  it('does not open under another public key or name', () => {
    const [one, two] = [vault.generate('user'), vault.generate('user')]
    refusal(() => vault.signer({ ...one, publicKey: two.publicKey }), 'invalid_key')
    refusal(() => vault.openText({ ...vault.sealText('one', 'secret'), name: 'two' }), 'invalid_key')
  })

  it('does not open as a secret of the other sort', () => {
    const text = vault.sealText(keys[2]!.publicKey, 'x'.repeat(32))
    refusal(() => vault.signer({ ...text, publicKey: text.name }), 'invalid_key')
  })
})

describe('a wrong master key', () => {
  it('is told by the fingerprints of both, for a key, a text and the check value', () => {
    const acts = [
      () => other.signer(vault.generate('user')),
      () => other.openText(vault.sealText('token', 'gh_secret')),
      () => other.verifyCheck(vault.checkValue),
    ]
    for (const act of acts) {
      expect(refusal(act, 'wrong_master_key').message).toBe(
        `Sealed with master key ${vault.fingerprint}, but the master key given is ${other.fingerprint}`,
      )
    }
  })

  it('is found by the check value, which a right one passes', () => {
    expect(() => vault.verifyCheck(new Vault(new Uint8Array(32).fill(1)).checkValue)).not.toThrow()
    refusal(() => vault.verifyCheck(''), 'wrong_master_key')
    refusal(() => vault.verifyCheck(`${vault.checkValue.slice(0, -1)}!`), 'wrong_master_key')
    expect(vault.fingerprint).toMatch(/^[0-9a-f]{8}$/)
  })

  it.each([0, 31, 33])('is one of %i bytes', (size) => {
    refusal(() => new Vault(new Uint8Array(size)), 'invalid_configuration')
  })

  it('is replaced by sealing anew', () => {
    const sealed = vault.generate('account')
    const anew = other.reseal(sealed, vault)
    expect(other.signer(anew).sign(bytes)).toEqual(vault.signer(sealed).sign(bytes))
    refusal(() => vault.signer(anew), 'wrong_master_key')
  })
})

describe('texts', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, name) => {
        expect(vault.openText(vault.sealText(name, text))).toBe(text)
      }),
    )
  })
})

describe('creds', () => {
  const user = vault.adopt(keys[2]!.seed)
  const jwt = jwts.tokens['user']!

  it('are read by the reference library, which signs as the user', async () => {
    const parsed = await parseCreds(Buffer.from(vault.creds(user, jwt)))
    expect(parsed.jwt).toBe(jwt)
    expect(fromSeed(Buffer.from(parsed.key)).getPublicKey()).toBe(user.publicKey)
  })

  it('of the reference library are taken over', () => {
    for (const text of [jwts.creds, jwts.creds.replaceAll('\n', '\r\n'), jwts.creds.trimEnd()]) {
      expect(vault.adoptCreds(text)).toMatchObject({ jwt, key: { publicKey: user.publicKey } })
    }
  })

  it('are of users only', () => {
    refusal(() => vault.creds(vault.generate('account'), jwt), 'invalid_key')
    const account = Buffer.from(createAccount().getSeed()).toString()
    refusal(() => vault.adoptCreds(jwts.creds.replace(keys[2]!.seed, account)), 'invalid_key')
  })

  it.each(['', 'a.b', `${jwt}\n-----BEGIN`, `${jwt} `])('take no JWT like "%s"', (text) => {
    refusal(() => vault.creds(user, text), 'invalid_token')
  })

  it('are refused without repeating a seed', () => {
    const seed = Buffer.from(createUser().getSeed()).toString()
    const broken = seed.slice(0, -1)
    for (const text of ['', seed, jwts.creds.replace(keys[2]!.seed, broken)]) {
      expect(refusal(() => vault.adoptCreds(text), 'invalid_key').message).not.toContain(broken)
    }
    expect(refusal(() => vault.adopt(broken), 'invalid_key').message).not.toContain(broken)
  })
})

it('lets no other room ask for a seed', () => {
  const src = join(import.meta.dirname, '../../src')
  const trespassers = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('keys'))
    .filter((file) =>
      /\b(?:seedOf|encodeSeed|decodeSeed)\b|keys\/(?:creds|sealed)\.ts/.test(
        readFileSync(join(src, file), 'utf8'),
      ),
    )
  expect(trespassers).toEqual([])
})
