import { isIP } from 'node:net'
import type { Account } from '../domain/account.ts'
import { barring } from '../domain/barred.ts'
import { allOf } from '../domain/grant.ts'
import { holding } from '../domain/network.ts'
import { partsOf } from '../domain/parts.ts'
import type { ConnectionType, Policy } from '../domain/policy.ts'
import { openUntil } from '../domain/window.ts'
import type { SessionClient } from '../sessions/session.ts'
import type { Holder } from './authenticate.ts'
import type { Directory } from './directory.ts'
import { Denial, type DenyReason, type Named } from './reason.ts'

/** A user who may come in as far as its account, its credential and the place it comes from go. */
export interface Standing extends Holder {
  readonly account: Account
  /** The account's default policy and the user's own. Each has had its say about source, connection type and time. */
  readonly policies: readonly Policy[]
  /** Caps what the policies give. */
  readonly boundary?: Policy | undefined
}

/** What nats-server does not ask of a callout user (reference 0.2, A.5), asked at the door. */
export function eligible(
  holder: Holder,
  { directory, client, nowMs }: { directory: Directory; client: SessionClient; nowMs: number },
): Standing | Denial {
  const { user, credential } = holder
  if (directory.operator === undefined) return new Denial('operator_missing')
  if (credential.expiresAt !== undefined && !(Date.parse(credential.expiresAt) > nowMs)) {
    return new Denial('credential_expired', credential.id) // So is one whose time is no time.
  }
  const account = directory.account(user.account)
  if (account === undefined) return new Denial('account_missing', user.account)
  const bar = barring(user, account, nowMs)
  if (bar !== undefined) return new Denial(bar.reason, bar.about)
  const parts = partsOf(user, account, directory)
  if ('missing' in parts) return new Denial(parts.missing, parts.id)
  const { policies, boundary } = parts
  const standing = { ...holder, account, policies, boundary }
  for (const policy of allOf(parts)) {
    const shut = shutBy(policy, client, nowMs)
    if (shut !== undefined) return new Denial(shut, policy.name).of(whose(standing))
  }
  return standing
}

/** For a denial: who it is about, and the policies that were looked at. */
export function whose({ user, credential, account, policies, boundary }: Standing): Named {
  return { user, credential, parts: { account, policies, boundary } }
}

function shutBy(policy: Policy, client: SessionClient, nowMs: number): DenyReason | undefined {
  if (!allowsSource(policy, client.host)) return 'source_not_allowed'
  if (!allowsConnectionType(policy, client)) return 'connection_type_not_allowed'
  return allowsMoment(policy, nowMs) ? undefined : 'outside_window'
}

/** Read once for each policy as it is stored; a changed policy is another object. */
const networks = new WeakMap<Policy, (address: string) => boolean>()

function allowsSource(policy: Policy, host = ''): boolean {
  const { sources } = policy.limits
  if (sources === undefined) return true
  if (isIP(host) === 0) return false
  let holds = networks.get(policy)
  if (holds === undefined) {
    holds = holding(sources)
    networks.set(policy, holds)
  }
  return holds(host.replace(/%.*/, '')) // A zone says by which link, and nothing of the network.
}

function allowsConnectionType({ limits: { connectionTypes } }: Policy, client: SessionClient): boolean {
  if (connectionTypes === undefined) return true
  const type = connectionTypeOf(client)
  return type !== undefined && connectionTypes.includes(type)
}

function allowsMoment({ limits: { windows } }: Policy, nowMs: number): boolean {
  return windows === undefined || openUntil(windows, nowMs) !== undefined
}

/**
 * The request names kind and transport (reference A.3), the JWT has other words for them (reference B.2). What
 * carries an MQTT client or a leaf node it does not tell, so a policy names both kinds of each or neither.
 */
function connectionTypeOf({ kind, type, mqtt_id }: SessionClient): ConnectionType | undefined {
  if (kind === 'Leafnode') return 'LEAFNODE'
  if (type === 'mqtt' || mqtt_id) return 'MQTT'
  if (type === 'websocket') return 'WEBSOCKET'
  return type === 'nats' ? 'STANDARD' : undefined
}
