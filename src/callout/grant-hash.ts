import { grantText } from '../domain/basis.ts'
import type { Grant } from '../domain/grant.ts'
import { hashToken } from '../keys/token.ts'
import { wear } from './wear.ts'

/** What a grant comes to, as two texts that are the same when it is. */
export interface GrantHashes {
  /** All of it. */
  readonly grant: string
  /** What the JWT of a connection says of it; the rest is asked at the door, and ends with the connection. */
  readonly permissions: string
}

/** Thousands may come with one grant: it is written out and hashed once. */
const known = new WeakMap<Grant, GrantHashes>()

export function hashesOf(grant: Grant): GrantHashes {
  let hashes = known.get(grant)
  if (hashes === undefined) {
    hashes = {
      grant: hashToken(grantText(grant)),
      permissions: hashToken(JSON.stringify(wear(grant) ?? null)),
    }
    known.set(grant, hashes)
  }
  return hashes
}
