import { describe, expect, it } from 'vitest'
import { open, REQUEST_BYTES_MAX, type Incoming } from '../../src/callout/open.ts'
import { Drop, type DropReason } from '../../src/callout/reason.ts'
import { seal } from '../../src/callout/seal.ts'
import type { Verified } from '../../src/callout/verify.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { encodePublicKey } from '../../src/keys/nkey.ts'
import { xkeyOf } from '../../src/keys/xkey.ts'
import { askingServer } from '../support/requests.ts'

const ours = xkeyOf(createKeyPair('curve'))
const server = createKeyPair('curve')
const serverBox = xkeyOf(server)
const serverXkey = server.publicKey
const boxed = (text: string): Uint8Array => serverBox.seal(Buffer.from(text), ours.publicKey)
const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

function reasonOf(incoming: Incoming, xkey = true): DropReason | undefined {
  const opened = open(incoming, xkey ? ours : undefined)
  return opened instanceof Drop ? opened.reason : undefined
}

describe('a request is opened', () => {
  it('from its box, and the answer goes to the key that boxed it', () => {
    expect(open({ data: boxed('eyJ'), serverXkey }, ours)).toEqual({ token: 'eyJ', replyTo: serverXkey })
  })

  it('as it stands where nobody boxes', () => {
    const data = Buffer.from('eyJ')
    expect(open({ data, serverXkey: undefined }, undefined)).toEqual({ token: 'eyJ', replyTo: undefined })
  })

  it('from a part of a larger buffer', () => {
    const data = Buffer.from('..eyJ..').subarray(2, 5)
    expect(open({ data, serverXkey: undefined }, undefined)).toMatchObject({ token: 'eyJ' })
  })

  it('up to the largest size', () => {
    const text = 'x'.repeat(REQUEST_BYTES_MAX)
    expect(reasonOf({ data: Buffer.from(text), serverXkey: undefined }, false)).toBeUndefined()
  })
})

describe('a request is dropped as', () => {
  const box = boxed('eyJ')
  const stranger = xkeyOf(createKeyPair('curve'))
  it.each<[reason: DropReason, what: string, incoming: Incoming]>([
    ['oversized', 'more than anybody sends', { data: Buffer.alloc(REQUEST_BYTES_MAX + 1), serverXkey }],
    ['plaintext', 'not boxed', { data: Buffer.from('eyJ'), serverXkey: undefined }],
    ['plaintext', 'boxed, but by whom it does not say', { data: box, serverXkey: undefined }],
    ['unopenable', 'not boxed, though it says by whom', { data: Buffer.from('eyJ'), serverXkey }],
    ['unopenable', 'empty', { data: Buffer.alloc(0), serverXkey }],
    ['unopenable', 'a box without content', { data: box.subarray(0, 28), serverXkey }],
    ['unopenable', 'cut short', { data: box.subarray(0, -1), serverXkey }],
    ['unopenable', 'of another version', { data: flipped(box, 3), serverXkey }],
    ['unopenable', 'of another nonce', { data: flipped(box, 4), serverXkey }],
    ['unopenable', 'altered', { data: flipped(box, box.length - 1), serverXkey }],
    ['unopenable', 'of another sender', { data: box, serverXkey: createKeyPair('curve').publicKey }],
    [
      'unopenable',
      'for somebody else',
      { data: serverBox.seal(Buffer.from('eyJ'), stranger.publicKey), serverXkey },
    ],
    [
      'unopenable',
      'of a sender who is no curve key',
      { data: box, serverXkey: createKeyPair('user').publicKey },
    ],
    ['unopenable', 'of a sender who is no key', { data: box, serverXkey: 'X' }],
    [
      'unopenable',
      'of a key that shares its secret with all',
      { data: box, serverXkey: encodePublicKey('curve', new Uint8Array(32)) },
    ],
  ])('%s when it is %s', (reason, _, incoming) => {
    expect(reasonOf(incoming)).toBe(reason)
  })

  it('unopenable when it is boxed and we have no key for boxes', () => {
    expect(reasonOf({ data: box, serverXkey }, false)).toBe('unopenable')
  })

  it('oversized before anything else is done with it', () => {
    expect(reasonOf({ data: Buffer.alloc(REQUEST_BYTES_MAX + 1), serverXkey }, false)).toBe('oversized')
  })
})

describe('an answer is', () => {
  const { claims } = { claims: askingServer({ account: createKeyPair('account').publicKey }).claims() }
  const to = (replyTo: string | undefined): Verified => ({ claims: { ...claims, iss: '', jti: '' }, replyTo })

  it('boxed for the server that boxed its request, every time anew', () => {
    const [one, other] = [seal('eyJ', to(serverXkey), ours), seal('eyJ', to(serverXkey), ours)]
    expect(Buffer.from(serverBox.open(one, ours.publicKey) ?? []).toString()).toBe('eyJ')
    expect(Buffer.from(one).equals(other)).toBe(false)
  })

  it('not boxed where its request was not', () => {
    expect(Buffer.from(seal('eyJ', to(undefined), undefined)).toString()).toBe('eyJ')
  })
})
