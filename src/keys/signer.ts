import { LRUCache } from 'lru-cache'
import { GatehouseError } from '../errors.ts'
import { nativeCrypto, type NativeCrypto } from './crypto.ts'
import { KeyPair } from './key-pair.ts'
import { decodePublicKey } from './nkey.ts'

/** The right to sign as one public key. Holders can ask for a signature; nobody can ask for the seed. */
export interface Signer {
  readonly publicKey: string
  /** Ed25519 over the bytes, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array
}

/** Checks that `signature` over `bytes` is of the key with that text. False for anything malformed. */
export type Verify = (publicKey: string, bytes: Uint8Array, signature: Uint8Array) => boolean

/** Imported public keys kept at once: a cluster's servers many times over, a few hundred kilobytes. */
const VERIFIERS_MAX = 1_024

/** Signs as this key, imported once. Throws `invalid_key` for a curve key, which can only box. */
export function signerOf(pair: KeyPair, crypto: NativeCrypto = nativeCrypto): Signer {
  if (pair.kind === 'curve') throw new GatehouseError('invalid_key', 'A curve key cannot sign')
  return { publicKey: pair.publicKey, sign: crypto.ed25519Signer(KeyPair.seedOf(pair)) }
}

/** A `verify` over one backend, with its own bounded memory of imported keys. */
export function createVerify(crypto: NativeCrypto): Verify {
  const verifiers = new LRUCache<string, NonNullable<ReturnType<NativeCrypto['ed25519Verifier']>>>({
    max: VERIFIERS_MAX,
  })
  return (publicKey, bytes, signature) => {
    const known = verifiers.get(publicKey)
    if (known !== undefined) return known(bytes, signature)
    const verifier = importVerifier(publicKey, crypto)
    if (verifier === undefined) return false
    verifiers.set(publicKey, verifier)
    return verifier(bytes, signature)
  }
}

/** `Verify` over the backend in use. */
export const verify: Verify = createVerify(nativeCrypto)

function importVerifier(
  publicKey: string,
  crypto: NativeCrypto,
): ReturnType<NativeCrypto['ed25519Verifier']> {
  try {
    const { kind, raw } = decodePublicKey(publicKey)
    return kind === 'curve' ? undefined : crypto.ed25519Verifier(raw)
  } catch (error) {
    if (error instanceof GatehouseError) return undefined
    throw error
  }
}
