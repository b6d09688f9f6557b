import type { AccountJwts } from '../admin/account-jwts.ts'
import type { Account } from '../domain/account.ts'
import { GatehouseError } from '../errors.ts'
import { accountFaults } from '../jwt/account-faults.ts'
import { buildActivation } from '../jwt/activation.ts'
import type { AccountClaims, Unsigned } from '../jwt/claims.ts'
import { decode, encode } from '../jwt/token.ts'
import type { Signer } from '../keys/signer.ts'

export interface AccountJwtsOptions {
  /** The claims an account should have; undefined for one that does not change. */
  readonly claims: (account: Account) => Unsigned<AccountClaims> | undefined
  /** The newest signing key of an account, or its root where there is none. */
  readonly signer: (account: Account) => Signer | undefined | Promise<Signer | undefined>
}

/** What accounts are to servers, for commands. */
export function accountJwts({ claims, signer }: AccountJwtsOptions): AccountJwts {
  return {
    faults(account) {
      const wanted = claims(account)
      return wanted === undefined ? [] : accountFaults(account, wanted)
    },
    readActivation,
    async signActivation(exporter, { importer, type, subject, issuedAt, expiresAt }) {
      const key = await signer(exporter)
      if (key === undefined)
        throw new GatehouseError('unavailable', 'the signing key of the account is missing')
      const activation = buildActivation({
        account: importer,
        name: subject,
        subject,
        kind: type,
        issuedAt,
        ...(expiresAt !== undefined && { expiresAt }),
        ...(key.publicKey !== exporter.id && { issuerAccount: exporter.id }),
      })
      return encode(activation, key)
    },
  }
}

function readActivation(token: string): ReturnType<AccountJwts['readActivation']> {
  try {
    const { type, claims } = decode(token)
    if (type !== 'activation') return undefined
    const { iss, sub, iat, exp, nbf, nats } = claims
    return {
      importer: sub,
      type: nats.kind,
      subject: nats.subject,
      issuedAt: iat,
      expiresAt: exp === 0 ? undefined : exp,
      signedBy: iss,
      issuerAccount: nats.issuer_account === '' ? undefined : nats.issuer_account,
      notBefore: nbf,
    }
  } catch (error) {
    if (error instanceof GatehouseError) return undefined
    throw error
  }
}
