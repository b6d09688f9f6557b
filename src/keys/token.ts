import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Random } from './crypto.ts'

/** Lets people and secret scanners recognise one of ours. */
const PREFIX = 'gh_'
const TOKEN = /^gh_[A-Za-z0-9_-]{43}$/

/** A bearer token: `gh_` and 256 random bits in base64url (RFC 4648 section 5). Shown once, never kept. */
export function createToken(random: Random = randomBytes): string {
  return PREFIX + Buffer.from(random(32)).toString('base64url')
}

/** Has this text the form of a bearer token? Tells nothing about whether anybody owns it. */
export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

/** SHA-256 in hex: what is kept, and looked up by. 256 random bits need no salt and no slow hash. */
export function hashToken(text: string): string {
  return hash('sha256', text)
}

/** Are two hashes of `hashToken` equal? In constant time for hashes of one length. */
export function sameHash(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
