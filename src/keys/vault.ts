import { hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { GatehouseError } from '../errors.ts'
import { formatCreds, parseCreds } from './creds.ts'
import { nativeCrypto, type NativeCrypto, type Random } from './crypto.ts'
import { KeyPair } from './key-pair.ts'
import { decodePublicKey, decodeSeed, encodeSeed, type NkeyKind } from './nkey.ts'
import { openBytes, sealBytes, type Lock, type Sealed } from './sealed.ts'
import { signerOf, type Signer } from './signer.ts'
import { xkeyOf, type Xkey } from './xkey.ts'

/** A seed at rest. Bound to its public key, which may be known to anybody. */
export interface SealedKey extends Sealed {
  readonly publicKey: string
}

/** Some other small secret at rest, bound to its name. */
export interface SealedText extends Sealed {
  readonly name: string
}

/** What a vault is made with. */
export interface VaultOptions {
  readonly crypto?: NativeCrypto
  /** Seeds and nonces come from here. */
  readonly random?: Random
}

const MASTER_KEY_BYTES = 32
/** A JWT is three base64url parts; nothing else may enter a creds file next to a seed. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * Keeps seeds sealed with a 32-byte master key and hands out the right to use them. A seed leaves in one way
 * only: inside the creds of a user. Keys for sealing and for the check are derived (HKDF, RFC 5869) one a purpose.
 */
export class Vault {
  /** Names the master key: eight hex digits that tell nothing about it and are safe to print. */
  readonly fingerprint: string
  /** Kept beside what is sealed, so that a wrong master key is found before anything is touched. */
  readonly checkValue: string
  readonly #seedKey: Uint8Array
  readonly #textKey: Uint8Array
  readonly #crypto: NativeCrypto
  readonly #random: Random

  /** Throws `invalid_configuration` unless the master key is 32 bytes. It is not kept. */
  constructor(masterKey: Uint8Array, options: VaultOptions = {}) {
    if (masterKey.length !== MASTER_KEY_BYTES) {
      throw new GatehouseError('invalid_configuration', `The master key must be ${MASTER_KEY_BYTES} bytes`)
    }
    this.#crypto = options.crypto ?? nativeCrypto
    this.#random = options.random ?? randomBytes
    this.#seedKey = derive(masterKey, 'seed')
    this.#textKey = derive(masterKey, 'text')
    this.fingerprint = derive(masterKey, 'fingerprint').toString('hex').slice(0, 8)
    this.checkValue = `${this.fingerprint}.${derive(masterKey, 'check').toString('base64url')}`
  }

  /** Throws `wrong_master_key` unless `checkValue` is the one of this master key. */
  verifyCheck(checkValue: string): void {
    const stored = Buffer.from(checkValue)
    const ours = Buffer.from(this.checkValue)
    if (stored.length === ours.length && timingSafeEqual(stored, ours)) return
    throw this.#wrongMasterKey(checkValue.split('.', 1)[0] ?? '')
  }

  /** A fresh key, sealed. */
  generate(kind: NkeyKind): SealedKey {
    return this.seal(new KeyPair(kind, this.#random(32), this.#crypto))
  }

  /** Seals a key that was made elsewhere in this process. */
  seal(pair: KeyPair): SealedKey {
    const { publicKey } = pair
    const lock = { key: this.#seedKey, associated: publicKey }
    return {
      v: 1,
      publicKey,
      master: this.fingerprint,
      ...sealBytes(KeyPair.seedOf(pair), lock, this.#random),
    }
  }

  /** Takes over an existing seed. Throws `invalid_key` without its text. */
  adopt(seedText: string): SealedKey {
    const { kind, raw } = decodeSeed(seedText.trim())
    const sealed = this.seal(new KeyPair(kind, raw, this.#crypto))
    raw.fill(0)
    return sealed
  }

  /** Takes over a creds file: its JWT as it stands, its seed sealed. Throws `invalid_key`. */
  adoptCreds(text: string): { readonly jwt: string; readonly key: SealedKey } {
    const { jwt, seed } = parseCreds(text)
    const key = this.adopt(seed)
    decodePublicKey(key.publicKey, 'user')
    return { jwt, key }
  }

  /** Seals anew what another vault sealed: how a master key is replaced. */
  reseal(sealed: SealedKey, previous: Vault): SealedKey {
    return this.seal(previous.#pair(sealed))
  }

  /** The right to sign as this key. Imports it, so keep the result. */
  signer(sealed: SealedKey): Signer {
    return signerOf(this.#pair(sealed), this.#crypto)
  }

  /** The right to box as this curve key. Keep the result: it remembers its peers. */
  xkey(sealed: SealedKey): Xkey {
    return xkeyOf(this.#pair(sealed), { crypto: this.#crypto, random: this.#random })
  }

  /** The creds file of a user: the only way a seed leaves. Throws `invalid_key` for any other kind of key. */
  creds(sealed: SealedKey, jwt: string): string {
    decodePublicKey(sealed.publicKey, 'user')
    if (!JWT.test(jwt)) throw new GatehouseError('invalid_token', 'Creds need a user JWT')
    return formatCreds({ jwt, seed: encodeSeed('user', KeyPair.seedOf(this.#pair(sealed))) })
  }

  /** Seals some other small secret under a name that it cannot be moved from. */
  sealText(name: string, text: string): SealedText {
    const lock = { key: this.#textKey, associated: name }
    return { v: 1, name, master: this.fingerprint, ...sealBytes(Buffer.from(text), lock, this.#random) }
  }

  /** What `sealText` sealed. Throws `wrong_master_key`, or `invalid_key` when it was altered or renamed. */
  openText(sealed: SealedText): string {
    return this.#open(sealed, { key: this.#textKey, associated: sealed.name }).toString('utf8')
  }

  #pair(sealed: SealedKey): KeyPair {
    const { kind } = decodePublicKey(sealed.publicKey)
    const seed = this.#open(sealed, { key: this.#seedKey, associated: sealed.publicKey })
    const pair = new KeyPair(kind, seed, this.#crypto)
    seed.fill(0)
    return pair
  }

  #open(sealed: Sealed, lock: Lock): Buffer {
    if (sealed.master !== this.fingerprint) throw this.#wrongMasterKey(sealed.master)
    const secret = openBytes(sealed, lock)
    if (secret === undefined)
      throw new GatehouseError('invalid_key', `What is sealed for ${lock.associated} was altered`)
    return secret
  }

  #wrongMasterKey(other: string): GatehouseError {
    const message = `Sealed with master key ${other}, but the master key given is ${this.fingerprint}`
    return new GatehouseError('wrong_master_key', message)
  }
}

function derive(masterKey: Uint8Array, purpose: 'seed' | 'text' | 'fingerprint' | 'check'): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, '', `gatehouse v1 ${purpose}`, 32))
}
