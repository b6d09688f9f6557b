import { BlockList, isIP } from 'node:net'
import type { Account } from '../domain/account.ts'
import type { ConnectionType, Policy } from '../domain/policy.ts'
import type { ClientInformation } from '../jwt/claims.ts'
import type { Holder } from './authenticate.ts'
import type { Directory } from './directory.ts'
import { Denial } from './reason.ts'

/** A user who may come in as far as its account, its credential and the place it comes from go. */
export interface Standing extends Holder {
  readonly account: Account
  /** The account's default policy and the user's own. Each has had its say about source and connection type. */
  readonly policies: readonly Policy[]
}

/** What nats-server does not ask of a callout user (reference 0.2, A.5), asked at the door. */
export function eligible(
  holder: Holder,
  { directory, client, nowMs }: { directory: Directory; client: ClientInformation; nowMs: number },
): Standing | Denial {
  const { user, credential } = holder
  if (directory.operator === undefined) return new Denial('operator_missing')
  if (credential.expiresAt !== undefined && Date.parse(credential.expiresAt) <= nowMs) {
    return new Denial('credential_expired', credential.id)
  }
  const account = directory.account(user.account)
  if (account === undefined) return new Denial('account_missing', user.account)
  if (account.role === 'system' || account.role === 'callout')
    return new Denial('account_reserved', account.name)
  const policies = policiesOf(holder, account, directory)
  if (policies instanceof Denial) return policies
  for (const policy of policies) {
    if (!allowsSource(policy, client.host)) return new Denial('source_not_allowed', policy.name)
    if (!allowsConnectionType(policy, client)) return new Denial('connection_type_not_allowed', policy.name)
  }
  return { ...holder, account, policies }
}

function policiesOf({ user }: Holder, account: Account, directory: Directory): readonly Policy[] | Denial {
  const ids = account.defaultPolicy === undefined ? user.policies : [account.defaultPolicy, ...user.policies]
  const policies: Policy[] = []
  for (const id of ids) {
    const policy = directory.policy(id)
    if (policy === undefined) return new Denial('policy_missing', id)
    policies.push(policy)
  }
  return policies
}

/** Made once for each policy as it is stored; a changed policy is another object. */
const networks = new WeakMap<Policy, BlockList>()

function allowsSource(policy: Policy, host: string | undefined): boolean {
  const { sources } = policy.limits
  if (sources === undefined) return true
  const version = isIP(host ?? '')
  if (host === undefined || version === 0) return false
  let list = networks.get(policy)
  if (list === undefined) {
    list = networkList(sources)
    networks.set(policy, list)
  }
  return list.check(host, version === 4 ? 'ipv4' : 'ipv6')
}

function networkList(sources: readonly string[]): BlockList {
  const list = new BlockList()
  for (const source of sources) {
    const [network = '', bits] = source.split('/')
    list.addSubnet(network, Number(bits), isIP(network) === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}

function allowsConnectionType({ limits: { connectionTypes } }: Policy, client: ClientInformation): boolean {
  if (connectionTypes === undefined) return true
  const type = connectionTypeOf(client)
  return type !== undefined && connectionTypes.includes(type)
}

/** The request names kind and transport (reference A.3); the JWT's words for them are others (reference B.2). */
function connectionTypeOf({ kind, type, mqtt_id }: ClientInformation): ConnectionType | undefined {
  const websocket = type === 'websocket'
  if (kind === 'Leafnode') return websocket ? 'LEAFNODE_WS' : 'LEAFNODE'
  if (type === 'mqtt' || mqtt_id) return websocket ? 'MQTT_WS' : 'MQTT'
  if (websocket) return 'WEBSOCKET'
  return type === 'nats' ? 'STANDARD' : undefined
}
