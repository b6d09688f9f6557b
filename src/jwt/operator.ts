import type { Fault } from '../errors.ts'
import type { OperatorClaims, Unsigned } from './claims.ts'
import { needKey } from './faults.ts'

/** Who an operator is. */
export interface OperatorIdentity {
  readonly publicKey: string
  readonly name: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
}

/** `nats`, `tls`, `ws` or `wss`, a host, and nothing behind it. */
const SERVICE_URL = /^(?:nats|tls|wss?):\/\/[^/?#@\s]+$/i
const SERVER_VERSION = /^\d+\.\d+\.\d+$/

/** Claims of an operator, to be signed by its own root key: servers take no other. */
export function buildOperator(
  identity: OperatorIdentity,
  nats: Omit<OperatorClaims['nats'], 'type' | 'version'>,
): Unsigned<OperatorClaims> {
  const { publicKey, name, issuedAt } = identity
  return { sub: publicKey, name, iat: issuedAt, nats: { ...nats, type: 'operator', version: 2 } }
}

/** Everything nats-io/jwt would refuse in an operator JWT. */
export function validateOperator(claims: Unsigned<OperatorClaims>): Fault[] {
  const faults: Fault[] = []
  const { nats } = claims
  needKey(faults, 'sub', { text: claims.sub, kind: 'operator' })
  for (const [i, text] of (nats.signing_keys ?? []).entries()) {
    needKey(faults, `nats.signing_keys[${i}]`, { text, kind: 'operator' })
  }
  if (nats.system_account)
    needKey(faults, 'nats.system_account', { text: nats.system_account, kind: 'account' })
  if (nats.account_server_url && !URL.canParse(nats.account_server_url)) {
    faults.push({ where: 'nats.account_server_url', rule: 'must be a URL with a protocol' })
  }
  for (const [i, url] of (nats.operator_service_urls ?? []).entries()) {
    if (url === '' || (SERVICE_URL.test(url) && URL.canParse(url))) continue
    const rule = 'must be a nats, tls, ws or wss URL without credentials and path'
    faults.push({ where: `nats.operator_service_urls[${i}]`, rule })
  }
  if (nats.assert_server_version && !SERVER_VERSION.test(nats.assert_server_version)) {
    faults.push({ where: 'nats.assert_server_version', rule: 'must be a version as 2.12.7' })
  }
  return faults
}
