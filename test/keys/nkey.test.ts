import { fromPublic, fromSeed } from '@nats-io/nkeys'
import codec from '@nats-io/nkeys/lib/base32.js'
import crc from '@nats-io/nkeys/lib/crc16.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodePublicKey,
  decodeSeed,
  encodePublicKey,
  encodeSeed,
  isPublicKey,
  type NkeyKind,
} from '../../src/keys/nkey.ts'
import { NKEYS, refusal } from './oracle.ts'

const KINDS: readonly NkeyKind[] = ['operator', 'account', 'user', 'server', 'cluster', 'curve']
const LETTERS = { operator: 'O', account: 'A', user: 'U', server: 'N', cluster: 'C', curve: 'X' } as const
const kinds = fc.constantFrom(...KINDS)
const raws = fc.uint8Array({ minLength: 32, maxLength: 32 })
const printable = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code))

describe('the text of a public key', () => {
  it('decodes to what was encoded, for every kind and key', () => {
    fc.assert(
      fc.property(kinds, raws, (kind, raw) => {
        const text = encodePublicKey(kind, raw)
        expect(text).toMatch(new RegExp(`^${LETTERS[kind]}[A-Z2-7]{55}$`))
        expect(decodePublicKey(text)).toEqual({ kind, raw })
        expect(KINDS.filter((one) => isPublicKey(text, one))).toEqual([kind])
      }),
    )
  })

  it('is refused when any one character is another one', () => {
    fc.assert(
      fc.property(kinds, raws, fc.nat(55), printable, (kind, raw, at, character) => {
        const text = encodePublicKey(kind, raw)
        fc.pre(text[at] !== character)
        const other = text.slice(0, at) + character + text.slice(at + 1)
        expect(KINDS.some((one) => isPublicKey(other, one))).toBe(false)
        refusal(() => decodePublicKey(other), 'invalid_key')
      }),
    )
  })

  it('is refused for arbitrary text, without repeating it', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: 'binary', minLength: 56, maxLength: 56 })),
        (text) => {
          const { message } = refusal(() => decodePublicKey(text), 'invalid_key')
          expect(text.length < 8 || !message.includes(text)).toBe(true)
        },
      ),
    )
  })

  it('is refused when it is of another kind than asked for', () => {
    const text = encodePublicKey('user', new Uint8Array(32))
    expect(refusal(() => decodePublicKey(text, 'account'), 'invalid_key').message).toBe(
      'Expected a public key of kind account, got one of kind user',
    )
  })

  it('gives bytes that later decodings leave alone', () => {
    const first = decodePublicKey(encodePublicKey('user', new Uint8Array(32).fill(1))).raw
    decodePublicKey(encodePublicKey('user', new Uint8Array(32).fill(2)))
    expect(first).toEqual(new Uint8Array(32).fill(1))
  })

  it.each([0, 31, 33])('is not made from %i bytes', (size) => {
    refusal(() => encodePublicKey('user', new Uint8Array(size)), 'invalid_key')
  })

  it('is taken by the reference library', () => {
    const text = encodePublicKey('account', new Uint8Array(32).fill(9))
    expect(fromPublic(text).getPublicKey()).toBe(text)
  })
})

describe('the text of a seed', () => {
  it('decodes to what was encoded, for every kind and seed', () => {
    fc.assert(
      fc.property(kinds, raws, (kind, raw) => {
        const text = encodeSeed(kind, raw)
        expect(text).toMatch(new RegExp(`^S${LETTERS[kind]}[A-Z2-7]{56}$`))
        expect(decodeSeed(text)).toEqual({ kind, raw })
      }),
    )
  })

  it('is refused when any one character is another one, without repeating it', () => {
    fc.assert(
      fc.property(kinds, raws, fc.nat(57), printable, (kind, raw, at, character) => {
        const text = encodeSeed(kind, raw)
        fc.pre(text[at] !== character)
        const other = text.slice(0, at) + character + text.slice(at + 1)
        expect(refusal(() => decodeSeed(other), 'invalid_key').message).not.toContain(other.slice(2, 10))
      }),
    )
  })

  it('is one text only: what follows the last byte is zero', () => {
    const text = encodeSeed('user', new Uint8Array(32).fill(7))
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
    const last = alphabet.indexOf(text.at(-1)!)
    for (const more of [1, 2, 3]) {
      const other = text.slice(0, -1) + alphabet[last + more]!
      expect(refusal(() => decodeSeed(other), 'invalid_key').message).toContain('base32')
    }
  })

  it.each([
    ['of a private key', [15 << 3, 0]],
    ['of no kind', [(18 << 3) | 7, 31 << 3]],
    ['with bits after the kind', [(18 << 3) | 5, 1]],
  ])('is refused %s, however good its checksum', (_, prefix) => {
    const bytes = Uint8Array.from([...prefix, ...new Uint8Array(32), 0, 0])
    new DataView(bytes.buffer).setUint16(34, crc.crc16.checksum(bytes.subarray(0, 34)), true)
    const text = Buffer.from(codec.base32.encode(bytes)).toString('latin1')
    expect(refusal(() => decodeSeed(text), 'invalid_key').message).toContain('must begin with')
  })

  it('is never taken for a public key, nor named in the refusal', () => {
    const seed = encodeSeed('user', new Uint8Array(32).fill(7))
    const { message } = refusal(() => decodePublicKey(seed), 'invalid_key')
    expect(message).toBe('A public key was expected, a seed was given')
  })
})

describe('golden vectors', () => {
  const { keys } = NKEYS

  it.each(keys)('of the reference library are reproduced: $kind', ({ kind, raw, seed, publicKey }) => {
    expect(encodeSeed(kind, new Uint8Array(32).fill(raw))).toBe(seed)
    expect(decodeSeed(seed)).toEqual({ kind, raw: new Uint8Array(32).fill(raw) })
    expect(isPublicKey(publicKey, kind)).toBe(true)
    expect(fromSeed(Buffer.from(seed)).getPublicKey()).toBe(
      encodePublicKey(kind, decodePublicKey(publicKey).raw),
    )
  })
})
