import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Random } from './crypto.ts'

/** A secret as it is kept: AES-256-GCM. Binary in base64url. */
export interface Sealed {
  readonly v: 1
  /** Fingerprint of the master key that sealed it. */
  readonly master: string
  /** 12 random bytes. */
  readonly nonce: string
  /** The ciphertext, then the 16-byte tag. */
  readonly box: string
}

/** What a secret is locked with, and what it is bound to: a box moved to another name does not open. */
export interface Lock {
  readonly key: Uint8Array
  readonly associated: string
}

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Encrypts. A nonce is never used twice because it is random and far fewer than 2^32 secrets are ever sealed. */
export function sealBytes(secret: Uint8Array, lock: Lock, random: Random): Pick<Sealed, 'nonce' | 'box'> {
  const nonce = random(NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, lock.key, nonce).setAAD(Buffer.from(lock.associated))
  const box = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()])
  return { nonce: Buffer.from(nonce).toString('base64url'), box: box.toString('base64url') }
}

/** Decrypts, or `undefined` when the box is altered, moved or of another key. */
export function openBytes(sealed: Pick<Sealed, 'nonce' | 'box'>, lock: Lock): Buffer | undefined {
  const nonce = Buffer.from(sealed.nonce, 'base64url')
  const box = Buffer.from(sealed.box, 'base64url')
  if (nonce.length !== NONCE_BYTES || box.length < TAG_BYTES) return undefined
  const decipher = createDecipheriv(ALGORITHM, lock.key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(lock.associated)).setAuthTag(box.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(box.subarray(0, -TAG_BYTES)), decipher.final()])
  } catch {
    return undefined
  }
}
