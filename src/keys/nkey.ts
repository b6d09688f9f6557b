import { GatehouseError } from '../errors.ts'

/** What a key is for. The text of a public key begins with the letter of its kind: O, A, U, N, C or X. */
export type NkeyKind = 'operator' | 'account' | 'user' | 'server' | 'cluster' | 'curve'

/** A decoded key: its kind and its 32 bytes. */
export interface RawNkey {
  readonly kind: NkeyKind
  readonly raw: Uint8Array
}

/** Prefix bytes of nats-io/nkeys: the wanted first letter in the upper five bits. */
const PREFIX: Readonly<Record<NkeyKind, number>> = {
  operator: 14 << 3,
  account: 0 << 3,
  user: 20 << 3,
  server: 13 << 3,
  cluster: 2 << 3,
  curve: 23 << 3,
}
const SEED_PREFIX = 18 << 3

const KINDS = new Map<number, NkeyKind>(
  (Object.keys(PREFIX) as NkeyKind[]).map((kind) => [PREFIX[kind], kind]),
)

const KEY_BYTES = 32
const CHECKSUM_BYTES = 2
/** One prefix byte, the key, the checksum. */
const PUBLIC_BYTES = 1 + KEY_BYTES + CHECKSUM_BYTES
const PUBLIC_LENGTH = 56
/** Two bytes that pack "seed" and the kind, the seed, the checksum: 58 characters leave two bits, which are zero. */
const SEED_BYTES = 2 + KEY_BYTES + CHECKSUM_BYTES
const SEED_LENGTH = 58

/** Base32 of RFC 4648 section 6, upper case only, without padding. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const NOT_BASE32 = 255
const LETTERS = Buffer.from(ALPHABET, 'latin1')
const VALUES = new Uint8Array(256).fill(NOT_BASE32)
LETTERS.forEach((letter, value) => (VALUES[letter] = value))

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
  return crc
})

/** Public keys are decoded here without allocating; nothing secret ever enters it. */
const scratch = new Uint8Array(PUBLIC_BYTES)

/** The text of a public key. Throws `invalid_key` unless `raw` is 32 bytes. */
export function encodePublicKey(kind: NkeyKind, raw: Uint8Array): string {
  const bytes = new Uint8Array(PUBLIC_BYTES)
  bytes[0] = PREFIX[kind]
  return encodeChecked(bytes, raw, PUBLIC_LENGTH)
}

/**
 * The kind and the 32 bytes of a public key's text. Throws `invalid_key`, which names the broken rule and
 * never the text: somebody may have pasted a seed. Give a kind to accept that one only.
 */
export function decodePublicKey(text: string, kind?: NkeyKind): RawNkey {
  const fault = readPublicKey(text)
  if (fault !== undefined) throw new GatehouseError('invalid_key', `A public key ${fault}`)
  const found = KINDS.get(scratch[0] ?? 0)
  if (found === undefined)
    throw new GatehouseError('invalid_key', 'A public key must begin with O, A, U, N, C or X')
  if (kind !== undefined && found !== kind) {
    throw new GatehouseError('invalid_key', `Expected a public key of kind ${kind}, got one of kind ${found}`)
  }
  return { kind: found, raw: scratch.slice(1, 1 + KEY_BYTES) }
}

/** Is this text a public key of that kind, checksum included? Allocates nothing: the hot path asks it. */
export function isPublicKey(text: string, kind: NkeyKind): boolean {
  return readPublicKey(text) === undefined && scratch[0] === PREFIX[kind]
}

/** The text of a seed. Throws `invalid_key` unless `raw` is 32 bytes. The result is a secret. */
export function encodeSeed(kind: NkeyKind, raw: Uint8Array): string {
  const bytes = new Uint8Array(SEED_BYTES)
  bytes[0] = SEED_PREFIX | (PREFIX[kind] >> 5)
  bytes[1] = (PREFIX[kind] & 31) << 3
  const text = encodeChecked(bytes, raw, SEED_LENGTH)
  bytes.fill(0)
  return text
}

/** The kind and the 32 bytes of a seed's text. Throws `invalid_key`, which names the rule and never the text. */
export function decodeSeed(text: string): RawNkey {
  const bytes = new Uint8Array(SEED_BYTES)
  const fault = text.length === SEED_LENGTH ? readChecked(text, bytes) : `must be ${SEED_LENGTH} characters`
  if (fault !== undefined) throw new GatehouseError('invalid_key', `A seed ${fault}`)
  const first = bytes[0] ?? 0
  const second = bytes[1] ?? 0
  const kind = KINDS.get(((first & 7) << 5) | (second >> 3))
  if ((first & 0xf8) !== SEED_PREFIX || kind === undefined || (second & 7) !== 0) {
    throw new GatehouseError('invalid_key', 'A seed must begin with SO, SA, SU, SN, SC or SX')
  }
  return { kind, raw: bytes.subarray(2, 2 + KEY_BYTES) }
}

function readPublicKey(text: string): string | undefined {
  if (text.length !== PUBLIC_LENGTH) {
    return text.startsWith('S') ? 'was expected, a seed was given' : `must be ${PUBLIC_LENGTH} characters`
  }
  return readChecked(text, scratch)
}

function encodeChecked(bytes: Uint8Array, raw: Uint8Array, length: number): string {
  if (raw.length !== KEY_BYTES) throw new GatehouseError('invalid_key', `A key must be ${KEY_BYTES} bytes`)
  const end = bytes.length - CHECKSUM_BYTES
  bytes.set(raw, end - KEY_BYTES)
  const crc = crc16(bytes, end)
  bytes[end] = crc & 0xff
  bytes[end + 1] = crc >> 8
  return encodeBase32(bytes, length)
}

/** Fills `into` from base32 text whose length fits, and says which rule the text breaks, if any. */
function readChecked(text: string, into: Uint8Array): string | undefined {
  if (!decodeBase32(text, into)) return 'must be upper-case base32 (RFC 4648)'
  const end = into.length - CHECKSUM_BYTES
  const written = (into[end] ?? 0) | ((into[end + 1] ?? 0) << 8)
  return crc16(into, end) === written ? undefined : 'has a wrong checksum: a character was mistyped or lost'
}

function encodeBase32(bytes: Uint8Array, length: number): string {
  const letters = Buffer.allocUnsafe(length)
  let bits = 0
  let held = 0
  let at = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      letters[at] = LETTERS[(held >> bits) & 31] ?? 0
      at += 1
    }
    held &= 31
  }
  if (bits > 0) letters[at] = LETTERS[(held << (5 - bits)) & 31] ?? 0
  const text = letters.toString('latin1')
  letters.fill(0)
  return text
}

/** False for a foreign character, and for set bits after the last byte: one key has one text. */
function decodeBase32(text: string, into: Uint8Array): boolean {
  let bits = 0
  let held = 0
  let at = 0
  for (let i = 0; i < text.length; i += 1) {
    const value = VALUES[text.charCodeAt(i)] ?? NOT_BASE32
    if (value === NOT_BASE32) return false
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      into[at] = held >> bits
      at += 1
      held &= (1 << bits) - 1
    }
  }
  return held === 0
}

/** CRC-16/XMODEM over the first `end` bytes. */
function crc16(bytes: Uint8Array, end: number): number {
  let crc = 0
  for (let i = 0; i < end; i += 1) {
    crc = ((crc << 8) & 0xffff) ^ (CRC_TABLE[((crc >> 8) ^ (bytes[i] ?? 0)) & 0xff] ?? 0)
  }
  return crc
}
