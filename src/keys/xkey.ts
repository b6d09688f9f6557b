import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { GatehouseError } from '../errors.ts'
import { nativeCrypto, type NativeCrypto, type Random } from './crypto.ts'
import { KeyPair } from './key-pair.ts'
import { decodePublicKey, isPublicKey } from './nkey.ts'

/** The right to box and unbox as one curve key (ADR-26: requests and responses of an auth callout). */
export interface Xkey {
  readonly publicKey: string
  /** A box only `recipient` can open. Throws `invalid_key` when `recipient` is not a curve key. */
  seal(plaintext: Uint8Array, recipient: string): Uint8Array
  /** What `sender` boxed for us, or `undefined`: foreign, altered, malformed, or no curve key. Never throws. */
  open(box: Uint8Array, sender: string): Uint8Array | undefined
}

/** What an xkey is made with. */
export interface XkeyOptions {
  readonly crypto?: NativeCrypto
  /** Nonces come from here. */
  readonly random?: Random
}

/** Wire format of nats-io/nkeys: `xkv1`, a 24-byte nonce, then the NaCl box (16-byte tag, ciphertext). */
const VERSION = Buffer.from('xkv1', 'latin1')
const NONCE_BYTES = 24
const HEAD_BYTES = VERSION.length + NONCE_BYTES

/** Shared keys kept at once. A peer is a server of the cluster and lives as long as its process. */
const PEERS_MAX = 1_024

/** Boxes as this key. The key agreement is done once a peer. Throws `invalid_key` unless it is a curve key. */
export function xkeyOf(pair: KeyPair, options: XkeyOptions = {}): Xkey {
  if (pair.kind !== 'curve') throw new GatehouseError('invalid_key', 'Only a curve key can box')
  const { crypto = nativeCrypto, random = randomBytes } = options
  const keys = new LRUCache<string, Uint8Array>({ max: PEERS_MAX })

  function keyWith(peer: string): Uint8Array | undefined {
    const known = keys.get(peer)
    if (known !== undefined || !isPublicKey(peer, 'curve')) return known
    const agreed = crypto.boxKey(KeyPair.seedOf(pair), decodePublicKey(peer, 'curve').raw)
    if (agreed !== undefined) keys.set(peer, agreed)
    return agreed
  }

  return {
    publicKey: pair.publicKey,
    seal(plaintext, recipient) {
      const key = keyWith(recipient)
      if (key === undefined)
        throw new GatehouseError('invalid_key', 'The recipient of a box must be a curve public key')
      const nonce = random(NONCE_BYTES)
      return Buffer.concat([VERSION, nonce, crypto.secretboxSeal(plaintext, nonce, key)])
    },
    open(box, sender) {
      if (!hasVersion(box)) return undefined
      const key = keyWith(sender)
      return (
        key && crypto.secretboxOpen(box.subarray(HEAD_BYTES), box.subarray(VERSION.length, HEAD_BYTES), key)
      )
    },
  }
}

function hasVersion(box: Uint8Array): boolean {
  return box.length > HEAD_BYTES && VERSION.every((byte, i) => box[i] === byte)
}
