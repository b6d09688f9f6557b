import { randomBytes } from 'node:crypto'
import { GatehouseError } from '../errors.ts'
import { nativeCrypto, type NativeCrypto, type Random } from './crypto.ts'
import { encodePublicKey, type NkeyKind } from './nkey.ts'

/**
 * A key whose seed cannot be asked for: printing or serialising it shows the public key only. Sign with
 * `signerOf`, box with `xkeyOf`, keep it with `Vault.seal`.
 */
export class KeyPair {
  readonly kind: NkeyKind
  readonly publicKey: string
  readonly #seed: Uint8Array

  /** Copies the 32-byte seed (the scalar, for a curve key). Throws `invalid_key` on any other size. */
  constructor(kind: NkeyKind, seed: Uint8Array, crypto: NativeCrypto = nativeCrypto) {
    this.kind = kind
    this.#seed = Uint8Array.from(seed)
    if (seed.length !== 32) throw new GatehouseError('invalid_key', 'A seed must be 32 bytes')
    const raw = kind === 'curve' ? crypto.x25519PublicKey(this.#seed) : crypto.ed25519PublicKey(this.#seed)
    this.publicKey = encodePublicKey(kind, raw)
  }

  /** The one way to the seed. For the files of this room; a test keeps it so. */
  static seedOf(pair: KeyPair): Uint8Array {
    return pair.#seed
  }
}

/** A fresh key of this kind. */
export function createKeyPair(kind: NkeyKind, random: Random = randomBytes): KeyPair {
  return new KeyPair(kind, random(32))
}
