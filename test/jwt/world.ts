import type { Unsigned, UserClaims } from '../../src/jwt/claims.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import type { NkeyKind } from '../../src/keys/nkey.ts'
import { signerOf, type Signer } from '../../src/keys/signer.ts'
import type { Fault } from '../../src/errors.ts'

/** A fixed second. */
export const NOW = 1_700_000_000

/** Signs as a fresh key of this kind. */
export function fresh(kind: NkeyKind): Signer {
  return signerOf(createKeyPair(kind))
}

/** The public key of a fresh key of this kind. */
export function publicKey(kind: NkeyKind): string {
  return createKeyPair(kind).publicKey
}

/** A user's claims with whatever else belongs in `nats`. */
export function userWith(nats: object): Unsigned<UserClaims> {
  return { sub: publicKey('user'), name: 'alice', iat: NOW, nats: { ...nats, type: 'user', version: 2 } }
}

/** Where the faults are. */
export function places(faults: readonly Fault[]): string[] {
  return faults.map(({ where }) => where)
}
