import type { Account } from '../domain/account.ts'
import { buildAdmission, buildRefusal, type ResponseTo } from '../jwt/authorization.ts'
import { encode } from '../jwt/token.ts'
import type { Signer } from '../keys/signer.ts'
import { fetched, type Soon } from './directory.ts'
import type { Prepared } from './prepare.ts'
import { Denial } from './reason.ts'
import type { Verified } from './verify.ts'

/** The keys that answers are signed with. Nobody here can ask for a seed. */
export interface Signers {
  /** Signs responses: a signing key of the callout account, or its root. */
  readonly response: Signer
  /** The callout account, when `response` is one of its signing keys. */
  readonly responseIssuerAccount: string | undefined
  /** Signs users of an account. Fetched and opened on first use; a fetch that fails throws `unavailable`. */
  userSigner(account: Account): Soon<Signer | undefined>
}

/** The user JWT, signed by the target account. */
export async function signUser(
  prepared: Prepared,
  account: Account,
  signers: Signers,
): Promise<string | Denial> {
  const signer = await fetched(signers.userSigner(account))
  if (signer instanceof Denial) return signer
  return signer === undefined ? new Denial('key_missing', account.name) : encode(prepared, signer)
}

/** The response to one request, with the user JWT or with the reason (for the server's log; the client learns nothing). */
export function signResponse(to: Verified, outcome: string | Denial, { signers, nowMs }: Signing): string {
  const { claims } = to
  const addressee: ResponseTo = {
    userNkey: claims.nats.user_nkey,
    serverId: claims.nats.server_id.id,
    issuedAt: Math.floor(nowMs / 1_000),
    ...(signers.responseIssuerAccount !== undefined && { issuerAccount: signers.responseIssuerAccount }),
  }
  const response =
    outcome instanceof Denial ? buildRefusal(addressee, outcome.reason) : buildAdmission(addressee, outcome)
  return encode(response, signers.response)
}

interface Signing {
  readonly signers: Signers
  readonly nowMs: number
}
