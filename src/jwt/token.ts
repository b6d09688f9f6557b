import { hash } from 'node:crypto'
import { GatehouseError } from '../errors.ts'
import { isPublicKey, type NkeyKind } from '../keys/nkey.ts'
import { verify, type Signer } from '../keys/signer.ts'
import type { AnyClaims, ClaimType, Decoded, Unsigned } from './claims.ts'
import { misshapen } from './shape.ts'
import { SHAPES } from './shapes.ts'

/** In characters, as nats-io/jwt's `MaxTokenSize`. */
const TOKEN_LENGTH_MAX = 1_024 * 1_024

const ALGORITHM = 'ed25519-nkey'
const HEADER = Buffer.from(`{"typ":"JWT","alg":"${ALGORITHM}"}`).toString('base64url')

/** Whose keys may sign what (nats-io/jwt `ExpectedPrefixes`). Anybody may sign what is generic. */
const ISSUERS: Readonly<Record<Exclude<ClaimType, 'generic'>, readonly NkeyKind[]>> = {
  operator: ['operator'],
  account: ['operator', 'account'],
  user: ['account'],
  activation: ['account', 'operator'],
  authorization_request: ['server'],
  authorization_response: ['account'],
}

/** Types of version 1 that NATS dropped and does not take for generic ones. */
const DROPPED_TYPES = ['cluster', 'server']

/**
 * The signed token of these claims. Same claims and signer in, same token out: the clock belongs to the caller,
 * and `jti` is a digest of everything else, so that resolvers, which skip a JWT whose `jti` they have, see every
 * change. Throws `invalid_token` when the signer's kind may not sign such claims, or past one MiB.
 */
export function encode(claims: Unsigned<AnyClaims>, signer: Signer): string {
  checkIssuer(typeOf(claims.nats), signer.publicKey)
  // Serialised once: `iss` and `jti` are spliced in front. Decoded claims bring those of their former signer.
  const body = JSON.stringify(
    'jti' in claims || 'iss' in claims ? { ...claims, iss: undefined, jti: undefined } : claims,
  )
  const content = `{"iss":"${signer.publicKey}",${body.slice(1)}`
  const payload = `{"jti":"${hash('sha256', content, 'base64url')}",${content.slice(1)}`
  const signed = `${HEADER}.${Buffer.from(payload).toString('base64url')}`
  const signature = signer.sign(Buffer.from(signed, 'latin1'))
  const token = `${signed}.${Buffer.from(signature.buffer, signature.byteOffset, signature.byteLength).toString('base64url')}`
  if (token.length > TOKEN_LENGTH_MAX) throw invalid('must be at most 1 MiB')
  return token
}

/**
 * What a token says, once its form, its shape and the signature of its own issuer hold. It does not say whether
 * that issuer is trusted (see trust.ts), whether the claims make sense (`validateX`) or are current (`checkTimes`).
 * Throws `invalid_token` with the rule that is broken.
 */
export function decode(token: string): Decoded {
  const unverified = parse(token)
  if (!isSigned(unverified)) throw invalid('must carry a signature by its issuer')
  return unverified.decoded
}

/** What a token says about itself, before anybody has checked that its issuer said it. */
export interface Unverified {
  readonly decoded: Decoded
  /** What the signature is over: everything before the last dot. */
  readonly signed: string
  readonly signature: Uint8Array
}

/**
 * Reads a token, its form and shape checked and its signature not: for those who have cheaper questions to ask
 * first. Nothing of it may be believed before `isSigned`. Throws `invalid_token`.
 */
export function parse(token: string): Unverified {
  if (token.length > TOKEN_LENGTH_MAX) throw invalid('must be at most 1 MiB')
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first === -1 || second === -1 || token.includes('.', second + 1)) throw invalid('must have three parts')
  checkHeader(token.slice(0, first))
  const claims = parseObject(decodePart(token.slice(first + 1, second), 'claims'), 'claims')
  const signature = decodePart(token.slice(second + 1), 'signature')
  const type = checkClaims(claims)
  return { decoded: { type, claims } as unknown as Decoded, signed: token.slice(0, second), signature }
}

/** Did the issuer that a token names sign it? */
export function isSigned({ decoded, signed, signature }: Unverified): boolean {
  return verify(decoded.claims.iss, Buffer.from(signed, 'latin1'), signature)
}

/**
 * Are claims in force? To nats-server `exp` itself is still in time, and zero means never. `skewSeconds` is how far
 * the clock that wrote them may be off.
 */
export function checkTimes(
  claims: { readonly exp?: number; readonly nbf?: number },
  nowSeconds: number,
  skewSeconds: number,
): 'current' | 'expired' | 'not_yet_valid' {
  const { exp = 0, nbf = 0 } = claims
  if (exp !== 0 && nowSeconds > exp + skewSeconds) return 'expired'
  return nbf !== 0 && nowSeconds < nbf - skewSeconds ? 'not_yet_valid' : 'current'
}

function checkHeader(part: string): void {
  if (part === HEADER) return // Go writes exactly this one.
  const { typ, alg } = parseObject(decodePart(part, 'header'), 'header')
  if (typeof typ !== 'string' || typ.toUpperCase() !== 'JWT') throw invalid('must be of typ JWT')
  if (typeof alg !== 'string' || alg.toLowerCase() !== ALGORITHM)
    throw invalid(`must be signed with ${ALGORITHM}`)
}

function checkClaims(claims: Readonly<Record<string, unknown>>): ClaimType {
  const { nats } = claims
  if (typeof nats !== 'object' || nats === null) throw invalid('must have a field "nats"')
  if (Object.hasOwn(claims, 'type') || (nats as Readonly<Record<string, unknown>>)['version'] !== 2) {
    throw invalid('must be of version 2')
  }
  const type = typeOf(nats)
  const where = misshapen(claims, SHAPES[type], '')
  if (where !== undefined) throw invalid(`has a wrong or missing field "${where}"`)
  checkIssuer(type, claims['iss'] as string)
  return type
}

function typeOf(nats: object): ClaimType {
  const type: unknown = 'type' in nats ? nats.type : 'generic'
  if (typeof type !== 'string' || DROPPED_TYPES.includes(type)) throw invalid('must be of a known type')
  return Object.hasOwn(ISSUERS, type) ? (type as ClaimType) : 'generic'
}

function checkIssuer(type: ClaimType, issuer: string): void {
  if (type === 'generic' || ISSUERS[type].some((kind) => isPublicKey(issuer, kind))) return
  throw invalid(`of type ${type} must be signed by a key of kind ${ISSUERS[type].join(' or ')}`)
}

function parseObject(bytes: Buffer, part: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw invalid(`must have JSON ${part}`) // Without the cause: its message quotes the token.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`must have an object as ${part}`)
  return value as Readonly<Record<string, unknown>>
}

/** Strict base64url (RFC 4648 section 5): decoding skips what it does not know, so only what encodes back passes. */
function decodePart(part: string, name: string): Buffer {
  const bytes = Buffer.from(part, 'base64url')
  if (part === '' || bytes.toString('base64url') !== part)
    throw invalid(`must have base64url ${name} without padding`)
  return bytes
}

function invalid(rule: string): GatehouseError {
  return new GatehouseError('invalid_token', `A token ${rule}`)
}
