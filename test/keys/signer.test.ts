import { inspect } from 'node:util'
import { createUser, fromPublic, fromSeed } from '@nats-io/nkeys'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cryptoBackends, nativeCrypto, type NativeCrypto } from '../../src/keys/crypto.ts'
import { createKeyPair, KeyPair } from '../../src/keys/key-pair.ts'
import { encodePublicKey, encodeSeed } from '../../src/keys/nkey.ts'
import { createVerify, signerOf, verify } from '../../src/keys/signer.ts'
import { NKEYS, refusal } from './oracle.ts'

const { message, keys } = NKEYS
const bytes = Buffer.from(message)
const some = fc.uint8Array({ maxLength: 300 })
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })

it('prefers libsodium where it loads, and always has OpenSSL', () => {
  expect([['node'], ['sodium', 'node']]).toContainEqual(cryptoBackends.map(({ name }) => name))
  expect(nativeCrypto).toBe(cryptoBackends[0])
})

describe.each(cryptoBackends)('signing by $name', (crypto) => {
  const verifyHere = createVerify(crypto)

  it.each(keys)('makes the keys and signatures of the reference library: $kind', (vector) => {
    const pair = new KeyPair(vector.kind, new Uint8Array(32).fill(vector.raw), crypto)
    expect(pair.publicKey).toBe(vector.publicKey)
    expect(Buffer.from(signerOf(pair, crypto).sign(bytes)).toString('base64url')).toBe(vector.signature)
    expect(verifyHere(vector.publicKey, bytes, Buffer.from(vector.signature, 'base64url'))).toBe(true)
  })

  it('is understood by the reference library, and understands it', () => {
    const raw = new Uint8Array(32).fill(0x21)
    const signer = signerOf(new KeyPair('user', raw, crypto), crypto)
    expect(fromPublic(signer.publicKey).verify(bytes, signer.sign(bytes))).toBe(true)
    const theirs = fromSeed(Buffer.from(encodeSeed('user', raw)))
    expect(Buffer.from(theirs.sign(bytes))).toEqual(Buffer.from(signer.sign(bytes)))
    const stranger = createUser()
    expect(verifyHere(stranger.getPublicKey(), bytes, stranger.sign(bytes))).toBe(true)
    expect(verifyHere(signer.publicKey, bytes, stranger.sign(bytes))).toBe(false)
  })

  it('refuses a signature with any bit flipped, and any other message', () => {
    fc.assert(
      fc.property(seeds, some, fc.nat(511), (seed, signed, bit) => {
        const signer = signerOf(new KeyPair('server', seed, crypto), crypto)
        const signature = Buffer.from(signer.sign(signed))
        expect(verifyHere(signer.publicKey, signed, signature)).toBe(true)
        expect(verifyHere(signer.publicKey, Buffer.concat([signed, Buffer.of(0)]), signature)).toBe(false)
        signature[bit >> 3]! ^= 1 << (bit & 7)
        expect(verifyHere(signer.publicKey, signed, signature)).toBe(false)
      }),
    )
  })

  it('answers false for whatever is malformed', () => {
    const { publicKey } = createKeyPair('user')
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constant(publicKey)), some, some, (key, signed, signature) => {
        expect(verifyHere(key, signed, signature)).toBe(false)
      }),
    )
    const signer = signerOf(createKeyPair('user'), crypto)
    const long = Buffer.concat([signer.sign(bytes), Buffer.of(0)])
    expect(verifyHere(signer.publicKey, bytes, long)).toBe(false)
    expect(verifyHere(createKeyPair('curve').publicKey, bytes, signer.sign(bytes))).toBe(false)
  })

  it('refuses keys for which anybody can sign, with either sign bit', () => {
    for (const sign of [0, 0x80]) {
      const identity = new Uint8Array(32)
      identity[0] = 1
      identity[31] = sign
      // R = identity and S = 0 verify under the identity for every message, where nobody looks for it.
      const forged = Buffer.concat([Uint8Array.of(1), new Uint8Array(63)])
      expect(verifyHere(encodePublicKey('user', identity), bytes, forged)).toBe(false)
    }
  })

  it('imports a key once, and forgets keys beyond its bound', () => {
    let imports = 0
    const ed25519Verifier: NativeCrypto['ed25519Verifier'] = (key) => (imports++, crypto.ed25519Verifier(key))
    const verifyCounted = createVerify({ ...crypto, ed25519Verifier })
    const signer = signerOf(createKeyPair('user'), crypto)
    const signature = signer.sign(bytes)
    for (let i = 0; i < 5; i += 1) expect(verifyCounted(signer.publicKey, bytes, signature)).toBe(true)
    expect(imports).toBe(1)
    const others = Array.from({ length: 1_024 }, (_, i) => encodePublicKey('user', Buffer.alloc(32, `${i}/`)))
    for (const other of others) expect(verifyCounted(other, bytes, signature)).toBe(false)
    expect(verifyCounted(signer.publicKey, bytes, signature)).toBe(true)
    expect(imports).toBe(1_026)
  })
})

it('verifies across backends', () => {
  const pair = createKeyPair('account')
  for (const crypto of cryptoBackends)
    expect(verify(pair.publicKey, bytes, signerOf(pair, crypto).sign(bytes))).toBe(true)
})

describe('a key pair', () => {
  it('shows its public key and nothing of its seed', () => {
    const raw = new Uint8Array(32).fill(0x42)
    const pair = new KeyPair('user', raw)
    const shown = `${JSON.stringify(pair)} ${inspect(pair, { showHidden: true, depth: 9 })} ${Object.keys(pair).join()}`
    expect(shown).toContain(pair.publicKey)
    for (const form of [encodeSeed('user', raw), '66, 66', '66,66', '42 42', 'seed'])
      expect(shown).not.toContain(form)
  })

  it('is made from the randomness it is given', () => {
    const asked: number[] = []
    const pair = createKeyPair('user', (size) => (asked.push(size), new Uint8Array(size).fill(3)))
    expect(asked).toEqual([32])
    expect(pair.publicKey).toBe(keys.find(({ kind }) => kind === 'user')!.publicKey)
    expect(createKeyPair('user').publicKey).not.toBe(createKeyPair('user').publicKey)
  })

  it('cannot sign with a curve key, nor be made from a short seed', () => {
    refusal(() => signerOf(createKeyPair('curve')), 'invalid_key')
    refusal(() => new KeyPair('user', new Uint8Array(31)), 'invalid_key')
  })
})
