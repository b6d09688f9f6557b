import { GatehouseError } from '../errors.ts'
import type { SealedKey, Vault } from '../keys/vault.ts'
import type { UserClaims } from './claims.ts'
import { decode } from './token.ts'

/** A creds file that was read: the seed is sealed and was never seen here. */
export interface Creds {
  readonly jwt: string
  readonly claims: UserClaims
  readonly key: SealedKey
}

/** The text of a creds file. Throws `invalid_token` unless the JWT is a user's and the key is that user's. */
export function formatCreds(jwt: string, key: SealedKey, vault: Vault): string {
  checkOwner(jwt, key)
  return vault.creds(key, jwt)
}

/** Reads a creds file; the vault takes the seed. Throws `invalid_key` or `invalid_token`, without the seed. */
export function readCreds(text: string, vault: Vault): Creds {
  const { jwt, key } = vault.adoptCreds(text)
  return { jwt, claims: checkOwner(jwt, key), key }
}

function checkOwner(jwt: string, key: SealedKey): UserClaims {
  const decoded = decode(jwt)
  if (decoded.type !== 'user') throw new GatehouseError('invalid_token', 'Creds need a user JWT')
  if (decoded.claims.sub !== key.publicKey) {
    throw new GatehouseError('invalid_token', 'The JWT and the seed of creds must be of one user')
  }
  return decoded.claims
}
