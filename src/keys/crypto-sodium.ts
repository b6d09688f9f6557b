import type sodiumNative from 'sodium-native'
import type { NativeCrypto } from './crypto.ts'
import { hsalsa20 } from './hsalsa.ts'
import { isLowOrder } from './low-order.ts'

type Sodium = typeof sodiumNative

const SIGNATURE_BYTES = 64
const TAG_BYTES = 16

/** libsodium, or `undefined` where its optional package is absent or has no binary for the platform. */
export const sodiumCrypto: NativeCrypto | undefined = await load()

async function load(): Promise<NativeCrypto | undefined> {
  try {
    const loaded: { readonly default: Sodium } = await import('sodium-native')
    return { name: 'sodium', ...signing(loaded.default), ...boxing(loaded.default) }
  } catch {
    return undefined
  }
}

function signing(
  sodium: Sodium,
): Pick<NativeCrypto, 'ed25519PublicKey' | 'ed25519Signer' | 'ed25519Verifier'> {
  return {
    ed25519PublicKey: (seed) => expand(sodium, seed).publicKey,
    ed25519Signer(seed) {
      const { secretKey } = expand(sodium, seed)
      return (bytes) => {
        const signature = Buffer.alloc(SIGNATURE_BYTES)
        sodium.crypto_sign_detached(signature, view(bytes), secretKey)
        return signature
      }
    },
    ed25519Verifier(publicKey) {
      if (publicKey.length !== 32 || isLowOrder(publicKey)) return undefined
      const key = Buffer.from(publicKey)
      // The length is checked here because the binding reads the first 64 bytes of a longer one.
      return (bytes, signature) =>
        signature.length === SIGNATURE_BYTES &&
        sodium.crypto_sign_verify_detached(view(signature), view(bytes), key)
    },
  }
}

function boxing(
  sodium: Sodium,
): Pick<NativeCrypto, 'x25519PublicKey' | 'boxKey' | 'secretboxSeal' | 'secretboxOpen'> {
  return {
    x25519PublicKey(scalar) {
      const publicKey = Buffer.alloc(32)
      sodium.crypto_scalarmult_base(publicKey, view(scalar))
      return publicKey
    },
    boxKey(scalar, peer) {
      const shared = Buffer.alloc(32)
      try {
        sodium.crypto_scalarmult(shared, view(scalar), view(peer))
      } catch {
        return undefined // RFC 7748 section 6.1: an all-zero secret.
      }
      return hsalsa20(shared)
    },
    secretboxSeal(plaintext, nonce, key) {
      const box = Buffer.alloc(plaintext.length + TAG_BYTES)
      sodium.crypto_secretbox_easy(box, view(plaintext), view(nonce), view(key))
      return box
    },
    secretboxOpen(box, nonce, key) {
      if (box.length < TAG_BYTES) return undefined
      const plaintext = Buffer.alloc(box.length - TAG_BYTES)
      const opened = sodium.crypto_secretbox_open_easy(plaintext, view(box), view(nonce), view(key))
      return opened ? plaintext : undefined
    },
  }
}

function expand(sodium: Sodium, seed: Uint8Array): { publicKey: Buffer; secretKey: Buffer } {
  const publicKey = Buffer.alloc(32)
  const secretKey = Buffer.alloc(64)
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, view(seed))
  return { publicKey, secretKey }
}

/** The binding's types want a Buffer; this one shares the bytes. */
function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
