import { createCurve, fromCurveSeed } from '@nats-io/nkeys'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cryptoBackends, type NativeCrypto } from '../../src/keys/crypto.ts'
import { createKeyPair, KeyPair } from '../../src/keys/key-pair.ts'
import { decodeSeed, encodePublicKey } from '../../src/keys/nkey.ts'
import { xkeyOf, type XkeyOptions } from '../../src/keys/xkey.ts'
import { XKEYS, refusal } from './oracle.ts'

const { sender, recipient, boxes } = XKEYS
const some = fc.uint8Array({ maxLength: 2_000 })

function xkeyOfSeed(seed: string, options: XkeyOptions): ReturnType<typeof xkeyOf> {
  return xkeyOf(new KeyPair('curve', decodeSeed(seed).raw, options.crypto), options)
}

describe.each(cryptoBackends)('boxing by $name', (crypto) => {
  const ours = xkeyOf(createKeyPair('curve'), { crypto })
  const peer = xkeyOf(createKeyPair('curve'), { crypto })

  it.each(boxes)(
    'makes and opens the boxes of the reference library: nonce $nonce',
    ({ plaintext, nonce, box }) => {
      const random = (size: number): Uint8Array => new Uint8Array(size).fill(nonce)
      const from = xkeyOfSeed(sender.seed, { crypto, random })
      expect(from.publicKey).toBe(sender.publicKey)
      expect(Buffer.from(from.seal(Buffer.from(plaintext), recipient.publicKey)).toString('base64url')).toBe(
        box,
      )
      const to = xkeyOfSeed(recipient.seed, { crypto })
      expect(Buffer.from(to.open(Buffer.from(box, 'base64url'), sender.publicKey)!).toString()).toBe(
        plaintext,
      )
    },
  )

  it('exchanges boxes with the reference library', () => {
    const theirs = createCurve()
    const plain = Buffer.from('hello')
    expect(theirs.open(ours.seal(plain, theirs.getPublicKey()), ours.publicKey)).toEqual(
      new Uint8Array(plain),
    )
    expect(Buffer.from(ours.open(theirs.seal(plain, ours.publicKey), theirs.getPublicKey())!)).toEqual(plain)
  })

  it('opens what was sealed for it, and nothing with a bit flipped', () => {
    fc.assert(
      fc.property(some, fc.nat(), (plaintext, at) => {
        const box = Buffer.from(ours.seal(plaintext, peer.publicKey))
        expect(box.length).toBe(plaintext.length + 44)
        expect(Buffer.from(peer.open(box, ours.publicKey)!)).toEqual(Buffer.from(plaintext))
        const bit = at % (box.length * 8)
        box[bit >> 3]! ^= 1 << (bit & 7)
        expect(peer.open(box, ours.publicKey)).toBeUndefined()
      }),
    )
  })

  it('opens nothing for or from anybody else', () => {
    const stranger = xkeyOf(createKeyPair('curve'), { crypto })
    const box = ours.seal(Buffer.from('secret'), peer.publicKey)
    expect(stranger.open(box, ours.publicKey)).toBeUndefined()
    expect(peer.open(box, stranger.publicKey)).toBeUndefined()
  })

  it('answers undefined for bytes and senders that are none', () => {
    const senders = fc.oneof(
      fc.string(),
      fc.constant(peer.publicKey),
      fc.constant(createKeyPair('user').publicKey),
    )
    const framed = some.map((bytes) => Buffer.concat([Buffer.from('xkv1'), bytes]))
    fc.assert(fc.property(fc.oneof(some, framed), senders, (box, from) => ours.open(box, from) === undefined))
  })

  it('agrees on no key with a low-order peer', () => {
    const zero = encodePublicKey('curve', new Uint8Array(32))
    refusal(() => ours.seal(Buffer.from('x'), zero), 'invalid_key')
    expect(ours.open(peer.seal(Buffer.from('x'), ours.publicKey), zero)).toBeUndefined()
  })

  it('agrees on a key once a peer, and forgets peers beyond its bound', () => {
    let agreements = 0
    const counting: NativeCrypto = {
      ...crypto,
      boxKey: (scalar, key) => (agreements++, crypto.boxKey(scalar, key)),
    }
    const xkey = xkeyOf(createKeyPair('curve'), { crypto: counting })
    const box = peer.seal(Buffer.from('x'), xkey.publicKey)
    for (let i = 0; i < 5; i += 1) {
      xkey.seal(Buffer.from('x'), peer.publicKey)
      expect(xkey.open(box, peer.publicKey)).toBeDefined()
    }
    expect(agreements).toBe(1)
    for (let i = 0; i < 1_024; i += 1) xkey.open(box, encodePublicKey('curve', Buffer.alloc(32, `${i}/`)))
    expect(xkey.open(box, peer.publicKey)).toBeDefined()
    expect(agreements).toBe(1_026)
  })

  it('never uses a nonce twice', () => {
    const nonces = Array.from({ length: 100 }, () =>
      Buffer.from(ours.seal(Buffer.alloc(0), peer.publicKey)).toString('hex', 4, 28),
    )
    expect(new Set(nonces).size).toBe(100)
  })
})

it('is for curve keys only, on both sides', () => {
  refusal(() => xkeyOf(createKeyPair('user')), 'invalid_key')
  const xkey = xkeyOf(createKeyPair('curve'))
  const { message } = refusal(
    () => xkey.seal(Buffer.from('x'), createKeyPair('account').publicKey),
    'invalid_key',
  )
  expect(message).toBe('The recipient of a box must be a curve public key')
  expect(fromCurveSeed(Buffer.from(sender.seed)).getPublicKey()).toBe(sender.publicKey)
})
