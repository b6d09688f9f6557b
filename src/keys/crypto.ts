import { nodeCrypto } from './crypto-node.ts'
import { sodiumCrypto } from './crypto-sodium.ts'

/** Gives this many random bytes. `randomBytes` of node:crypto in production. */
export type Random = (size: number) => Uint8Array

/**
 * The primitives that signing and boxing stand on. Two backends give the same bytes: `node` (OpenSSL, and
 * tweetnacl for the box) is always there; `sodium` (libsodium) is about half the cost where it loads.
 * Keys, seeds and scalars are 32 bytes, signatures 64, nonces 24.
 */
export interface NativeCrypto {
  readonly name: 'node' | 'sodium'
  /** Ed25519 public key of a seed (RFC 8032). */
  ed25519PublicKey(seed: Uint8Array): Uint8Array
  /** Imports the seed once and signs with it from then on. */
  ed25519Signer(seed: Uint8Array): (bytes: Uint8Array) => Uint8Array
  /** Imports the public key once; `undefined` for a key that cannot be one, or that would accept forgeries. */
  ed25519Verifier(publicKey: Uint8Array): ((bytes: Uint8Array, signature: Uint8Array) => boolean) | undefined
  /** X25519 public key of a scalar (RFC 7748). */
  x25519PublicKey(scalar: Uint8Array): Uint8Array
  /** The key of a NaCl box between a scalar and a peer: HSalsa20 over X25519; `undefined` for a low-order peer. */
  boxKey(scalar: Uint8Array, peer: Uint8Array): Uint8Array | undefined
  /** XSalsa20-Poly1305: a 16-byte tag, then the ciphertext. */
  secretboxSeal(plaintext: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array
  /** The plaintext, or `undefined` when the box is not of that key and nonce. */
  secretboxOpen(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined
}

/** Every backend that loads on this machine, the fastest first. Tests run the same suite over all of them. */
export const cryptoBackends: readonly NativeCrypto[] =
  sodiumCrypto === undefined ? [nodeCrypto] : [sodiumCrypto, nodeCrypto]

/** The backend in use unless somebody asks for another one. */
export const nativeCrypto: NativeCrypto = sodiumCrypto ?? nodeCrypto
