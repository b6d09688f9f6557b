import { GatehouseError } from '../errors.ts'
import { ABSENT, type Absent, type Decider } from './decider.ts'
import { same } from './same.ts'

/** A key that may sign in place of the root. Only its public half is state; the seed is sealed in the vault. */
export interface SigningKey {
  readonly publicKey: string
  readonly createdAt: string
  /** RFC 3339. When it should be replaced: from then on it signs only where no other key can. */
  readonly expiresAt?: string | undefined
  /** RFC 3339. Since then it signs only where no other key can. */
  readonly retiringSince?: string | undefined
  /** Present once it signs nothing any more, ever. */
  readonly revoked?: Revocation | undefined
}

/** Why a key signs nothing any more, and since when. */
export interface Revocation {
  readonly reason: string
  readonly at: string
}

/** The root of trust. Its signing keys sign accounts; its root key can stay offline. */
export interface Operator {
  readonly status: 'present'
  /** The O… public key of the root. */
  readonly id: string
  readonly name: string
  readonly description?: string | undefined
  /** In the order in which they were made, those that were revoked among them. */
  readonly signingKeys: readonly SigningKey[]
  /** Do servers refuse what root keys signed? `strict_signing_key_usage`, reference B.4. */
  readonly signing: 'strict' | 'root'
  readonly systemAccount: string
  readonly calloutAccount: string
  readonly adminAccount: string
  /** Where clients find servers: `operator_service_urls` of its JWT. */
  readonly serviceUrls?: readonly string[] | undefined
  /** Where tools push accounts to and pull them from: `account_server_url` of its JWT. */
  readonly accountServerUrl?: string | undefined
  readonly createdAt: string
  /** When it last changed what its JWT says. Absent: never since its creation. */
  readonly changedAt?: string | undefined
}

export type OperatorState = Absent | Operator

/** How many keys may be in use at a time: every one of them is in the JWT that servers are started with. */
export const SIGNING_KEYS_MAX = 16

/** Those that were not revoked: what servers should trust. */
export function signingKeysInUse({ signingKeys }: Operator): readonly SigningKey[] {
  return signingKeys.filter(({ revoked }) => revoked === undefined)
}

export interface OperatorMoment {
  /** Public keys that every server trusts; undefined while nobody knows. */
  readonly trusted: ReadonlySet<string> | undefined
  readonly nowMs: number
}

/**
 * The public key that signs accounts. Servers learn of a key only when they are started, so it is the newest that
 * all of them trust, and one that is to be replaced only where there is no other. While nobody knows what servers
 * trust it is the oldest, which they do: the last one they trust is never revoked. The root where it signs itself.
 */
export function signingKeyOf(operator: Operator, { trusted, nowMs }: OperatorMoment): string {
  const keys = signingKeysInUse(operator)
  const usable = keys.filter(({ publicKey }) => trusted?.has(publicKey))
  const fresh = usable.filter((key) => !isRetiring(key, nowMs))
  return (fresh.at(-1) ?? usable.at(-1) ?? keys[0])?.publicKey ?? operator.id
}

export function isRetiring({ retiringSince, expiresAt }: SigningKey, nowMs: number): boolean {
  return retiringSince !== undefined || (expiresAt !== undefined && Date.parse(expiresAt) <= nowMs)
}

export interface CreateOperator extends Pick<
  Operator,
  'id' | 'name' | 'signing' | 'systemAccount' | 'calloutAccount' | 'adminAccount'
> {
  readonly type: 'operator.create'
  readonly signingKeys: readonly string[]
  readonly at: string
}

/** A key that was made and sealed. */
export interface NewSigningKey {
  readonly publicKey: string
  readonly expiresAt?: string | undefined
}

export type OperatorCommand =
  | CreateOperator
  | { readonly type: 'operator.create-signing-key'; readonly key: NewSigningKey; readonly at: string }
  | {
      readonly type: 'operator.rotate-signing-key'
      readonly key: NewSigningKey
      /** The key that is replaced. Absent: every other. */
      readonly retire?: string | undefined
      readonly at: string
    }
  | {
      readonly type: 'operator.revoke-signing-key'
      readonly key: string
      readonly reason: string
      /** What every server trusts at this moment. */
      readonly trusted: ReadonlySet<string>
      readonly at: string
    }
  | { readonly type: 'operator.set-service-urls'; readonly urls: readonly string[]; readonly at: string }
  | {
      readonly type: 'operator.set-account-server-url'
      readonly url?: string | undefined
      readonly at: string
    }
  | {
      readonly type: 'operator.set-description'
      readonly description?: string | undefined
      readonly at: string
    }

/** What changed, as it was and as it is. */
interface Change<Value> {
  readonly old: Value
  readonly new: Value
}

export type OperatorEvent =
  | (Omit<CreateOperator, 'type'> & { readonly type: 'operator.created' })
  | { readonly type: 'operator.signing_key_created'; readonly key: NewSigningKey; readonly at: string }
  | {
      readonly type: 'operator.signing_key_rotated'
      /** Keys that retire, and the one that replaces them. */
      readonly old: readonly string[]
      readonly new: NewSigningKey
      readonly at: string
    }
  | {
      readonly type: 'operator.signing_key_revoked'
      readonly key: string
      readonly reason: string
      readonly at: string
    }
  | ({ readonly type: 'operator.service_urls_set'; readonly at: string } & Change<readonly string[]>)
  | ({ readonly type: 'operator.account_server_url_set'; readonly at: string } & Change<string | undefined>)
  | ({ readonly type: 'operator.description_set'; readonly at: string } & Change<string | undefined>)

function decide(state: OperatorState, command: OperatorCommand): readonly OperatorEvent[] {
  if (command.type === 'operator.create') {
    if (state.status === 'absent') return [{ ...command, type: 'operator.created' }]
    throw new GatehouseError('already_exists', `operator "${state.name}" already exists`)
  }
  if (state.status === 'absent') throw new GatehouseError('not_found', 'there is no operator yet')
  const { at } = command
  switch (command.type) {
    case 'operator.create-signing-key':
      refuseKey(state, command)
      return [{ type: 'operator.signing_key_created', key: command.key, at }]
    case 'operator.rotate-signing-key':
      refuseKey(state, command)
      return [
        { type: 'operator.signing_key_rotated', old: replaced(state, command.retire), new: command.key, at },
      ]
    case 'operator.revoke-signing-key': {
      if (keyOf(state, command.key).revoked !== undefined) return []
      refuseLast(state, command)
      return [{ type: 'operator.signing_key_revoked', key: command.key, reason: command.reason, at }]
    }
    case 'operator.set-service-urls': {
      const old = state.serviceUrls ?? []
      if (same(old, command.urls)) return []
      return [{ type: 'operator.service_urls_set', old, new: command.urls, at }]
    }
    case 'operator.set-account-server-url':
      if (state.accountServerUrl === command.url) return []
      return [{ type: 'operator.account_server_url_set', old: state.accountServerUrl, new: command.url, at }]
    case 'operator.set-description':
      if (state.description === command.description) return []
      return [{ type: 'operator.description_set', old: state.description, new: command.description, at }]
  }
}

function keyOf({ signingKeys }: Operator, publicKey: string): SigningKey {
  const found = signingKeys.find((key) => key.publicKey === publicKey)
  if (found === undefined)
    throw new GatehouseError('not_found', `the operator has no signing key ${publicKey}`)
  return found
}

/** The root key signs by itself, or servers are strict and only signing keys do: what a system is, it stays. */
function refuseKey(
  operator: Operator,
  { key, at }: { readonly key: NewSigningKey; readonly at: string },
): void {
  if (operator.signing === 'root')
    throw new GatehouseError('forbidden', 'this system signs with its root keys: it has no signing keys')
  if (key.expiresAt !== undefined && Date.parse(key.expiresAt) <= Date.parse(at)) {
    const faults = [{ where: 'expiresAt', rule: 'must be in the future' }]
    throw new GatehouseError('invalid_request', 'expiresAt: must be in the future', { faults })
  }
  if (signingKeysInUse(operator).length < SIGNING_KEYS_MAX) return
  const message = `the operator has ${SIGNING_KEYS_MAX} signing keys, which is as many as it may: revoke one first`
  throw new GatehouseError('limit_reached', message)
}

function replaced(operator: Operator, retire: string | undefined): readonly string[] {
  if (retire === undefined) {
    const keys = signingKeysInUse(operator).filter(({ retiringSince }) => retiringSince === undefined)
    return keys.map(({ publicKey }) => publicKey)
  }
  if (keyOf(operator, retire).revoked === undefined) return [retire]
  throw new GatehouseError('not_found', `the signing key ${retire} was revoked: nothing is left to replace`)
}

/** Without a key that servers trust there would be nothing to sign accounts with. */
function refuseLast(
  operator: Operator,
  { key, trusted }: { readonly key: string; readonly trusted: ReadonlySet<string> },
): void {
  const others = signingKeysInUse(operator).filter(({ publicKey }) => publicKey !== key)
  if (others.some(({ publicKey }) => trusted.has(publicKey))) return
  const first = others.length === 0 ? 'create another key, then ' : ''
  const message = `no other signing key is trusted by every server: ${first}restart the servers with the new operator JWT (operator.get tells it) first`
  throw new GatehouseError('in_use', message)
}

function evolve(state: OperatorState, event: OperatorEvent): OperatorState {
  if (event.type === 'operator.created') {
    const { type: _type, at, signingKeys, ...facts } = event
    const keys = signingKeys.map((publicKey) => ({ publicKey, createdAt: at }))
    return { ...facts, status: 'present', signingKeys: keys, createdAt: at }
  }
  if (state.status === 'absent') return state
  const { at } = event
  switch (event.type) {
    case 'operator.signing_key_created':
      return changed(state, at, { signingKeys: [...state.signingKeys, { ...event.key, createdAt: at }] })
    case 'operator.signing_key_rotated': {
      const keys = each(state, event.old, (key) => ({ ...key, retiringSince: key.retiringSince ?? at }))
      return changed(state, at, { signingKeys: [...keys, { ...event.new, createdAt: at }] })
    }
    case 'operator.signing_key_revoked': {
      const revoked = { reason: event.reason, at }
      return changed(state, at, { signingKeys: each(state, [event.key], (key) => ({ ...key, revoked })) })
    }
    case 'operator.service_urls_set':
      return changed(state, at, { serviceUrls: event.new })
    case 'operator.account_server_url_set':
      return changed(state, at, { accountServerUrl: event.new })
    case 'operator.description_set':
      return { ...state, description: event.new } // A JWT of an operator has no description.
  }
}

function changed(state: Operator, at: string, facts: Partial<Operator>): Operator {
  return { ...state, ...facts, changedAt: at }
}

function each(
  { signingKeys }: Operator,
  which: readonly string[],
  change: (key: SigningKey) => SigningKey,
): readonly SigningKey[] {
  return signingKeys.map((key) => (which.includes(key.publicKey) ? change(key) : key))
}

export const operator: Decider<OperatorState, OperatorCommand, OperatorEvent> = {
  initial: ABSENT,
  decide,
  evolve,
}
