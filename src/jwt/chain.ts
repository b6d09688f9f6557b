import type { Account, AccountLimits as Limits, JetStreamLimits as Storage } from '../domain/account.ts'
import type { Signer } from '../keys/signer.ts'
import { accountLimits, buildAccount, UNLIMITED_JETSTREAM } from './account.ts'
import { buildActivation } from './activation.ts'
import type { AccountClaims, AccountLimits, Export, Import, JetStreamLimits, Unsigned } from './claims.ts'
import { exportClaims } from './exports.ts'
import { importClaims } from './imports.ts'
import { SYSTEM_EVENTS, SYSTEM_REQUESTS } from './own-users.ts'
import { encode } from './token.ts'

/** The trust chain of architecture section 1, as JWTs: which account gives what to which. */

/** The public keys of the three accounts that every system has. */
export interface Chain {
  readonly system: string
  readonly callout: string
  readonly admin: string
  /** The service user, the only one of the callout account that is not called out. */
  readonly serviceUser: string
  /** Present when servers box their requests. */
  readonly xkey?: string | undefined
}

const FROM_SYSTEM: readonly Export[] = [
  ...SYSTEM_REQUESTS.map((subject): Export => ({
    name: subject,
    subject,
    type: 'service',
    token_req: true,
    response_type: 'Stream',
  })),
  ...SYSTEM_EVENTS.map((subject): Export => ({ name: subject, subject, type: 'stream', token_req: true })),
]

/** Every account may send commands; who may do what is decided by who the bus says it is (reference I.1). */
const COMMANDS: Export = { name: 'gatehouse commands', subject: 'auth.v1.>', type: 'service' }
/** For `nats micro`, and for admins only: every replica answers. */
const DISCOVERY: Export = {
  name: 'gatehouse discovery',
  subject: '$SRV.>',
  type: 'service',
  token_req: true,
  response_type: 'Stream',
}

/** What happened in an account, for that account alone: the server holds an import to the key of who imports. */
const EVENTS: Export = {
  name: 'gatehouse events',
  subject: 'auth.feed.*.>',
  type: 'stream',
  account_token_position: 3,
}
/** What happened anywhere, for admins only. */
const EVERY_EVENT: Export = {
  name: 'gatehouse audit',
  subject: 'auth.audit.>',
  type: 'stream',
  token_req: true,
}
/** Where an account finds its events, and ADMIN everybody's (there with one token more: whose they are). */
const EVENTS_HERE = 'auth.event.>'

export interface Issue {
  /** Seconds since the epoch. */
  readonly issuedAt: number
  readonly chain: Chain
}

/** The system account: what it gives, it gives to the callout account alone, against a token. */
export function systemClaims(account: Account, { issuedAt }: Issue): Unsigned<AccountClaims> {
  return claimsOf(account, issuedAt, { exports: FROM_SYSTEM })
}

/** The callout account: takes what the system account gives, gives the commands. */
export function calloutClaims(
  account: Account,
  { issuedAt, chain }: Issue,
  systemSigner: Signer,
): Unsigned<AccountClaims> {
  return claimsOf(account, issuedAt, {
    imports: FROM_SYSTEM.map((given) =>
      taken(given, { from: chain.system, by: account.id, signer: systemSigner, issuedAt }),
    ),
    exports: [COMMANDS, DISCOVERY, EVENTS, EVERY_EVENT],
    authorization: {
      auth_users: [chain.serviceUser],
      allowed_accounts: ['*'],
      ...(chain.xkey !== undefined && { xkey: chain.xkey }),
    },
  })
}

/** Where admins live: commands, discovery of the service that answers them, and everybody's events. */
export function adminClaims(
  account: Account,
  { issuedAt, chain }: Issue,
  calloutSigner: Signer,
): Unsigned<AccountClaims> {
  const taking = { from: chain.callout, by: account.id, signer: calloutSigner, issuedAt }
  const discovery = taken(DISCOVERY, taking)
  const events = { ...taken(EVERY_EVENT, taking), local_subject: EVENTS_HERE }
  return claimsOf(account, issuedAt, { imports: [commandsFrom(chain.callout), discovery, events] })
}

/** An account somebody asked for: its own, the commands, and what happens in it. */
export function tenantClaims(account: Account, { issuedAt, chain }: Issue): Unsigned<AccountClaims> {
  return claimsOf(account, issuedAt, {
    imports: [commandsFrom(chain.callout), eventsOf(account, chain.callout)],
  })
}

/** A suspended account says so in its JWT: servers let nobody in, and close what is open (reference C.5). */
const NOBODY = { conn: 0, leaf: 0 } as const

/** More than one, for a JWT may take a moment to arrive. */
const EXPIRY_AHEAD_SECONDS = 2

type Ours = Pick<AccountClaims['nats'], 'imports' | 'exports' | 'authorization'>

/** What Gatehouse gives an account comes first, then what the account has of its own. */
function claimsOf(account: Account, issuedAt: number, ours: Ours): Unsigned<AccountClaims> {
  const { expiresAt, suspension, revokedActivations } = account
  const exports = (account.exports ?? []).map((one) => exportClaims(one, revokedActivations))
  const imports = (account.imports ?? []).map(importClaims)
  return buildAccount(
    {
      publicKey: account.id,
      name: account.name,
      issuedAt,
      ...(expiresAt !== undefined && { expiresAt: expiryOf(expiresAt, issuedAt) }),
    },
    {
      ...ours,
      ...(imports.length > 0 && { imports: [...(ours.imports ?? []), ...imports] }),
      ...(exports.length > 0 && { exports: [...(ours.exports ?? []), ...exports] }),
      limits: { ...limitsOf(account.limits, ours), ...(suspension && NOBODY) },
      ...(account.signingKeys.length > 0 && {
        signing_keys: account.signingKeys.map(({ publicKey }) => publicKey),
      }),
      ...(account.description !== undefined && { description: account.description }),
    },
  )
}

/**
 * A server ends an account by a timer that it starts for an `exp` still ahead; of a JWT whose `exp` is over it does
 * nothing at all, not even what else is new in it (tried on 2.12.7 and 2.15.2). So it is never over when it is issued.
 */
function expiryOf(expiresAt: string, issuedAt: number): number {
  return Math.max(Math.floor(Date.parse(expiresAt) / 1_000), issuedAt + EXPIRY_AHEAD_SECONDS)
}

/** In a limits block what is omitted is zero (reference 0.5), so all of it is written. Our own imports are not counted. */
function limitsOf(limits: Limits, { imports = [], exports = [] }: Ours): AccountLimits {
  const { connections, leafNodes, subscriptions, payloadBytes, jetstream } = limits
  const { tiers, ...flat } = jetstream ?? {}
  return accountLimits({
    conn: connections ?? -1,
    leaf: leafNodes ?? -1,
    subs: subscriptions ?? -1,
    payload: payloadBytes ?? -1,
    imports: limits.imports === undefined ? -1 : limits.imports + imports.length,
    exports: limits.exports === undefined ? -1 : limits.exports + exports.length,
    wildcards: limits.wildcardExports ?? true,
    disallow_bearer: limits.disallowBearer ?? false,
    ...(jetstream && tiers === undefined && storageOf(flat)),
    ...(tiers && { tiered_limits: mapValues(tiers, storageOf) }),
  })
}

function storageOf(limits: Storage): JetStreamLimits {
  return {
    ...UNLIMITED_JETSTREAM,
    mem_storage: limits.memoryBytes ?? -1,
    disk_storage: limits.diskBytes ?? -1,
    streams: limits.streams ?? -1,
    consumer: limits.consumers ?? -1,
    max_ack_pending: limits.maxAckPending ?? -1,
    mem_max_stream_bytes: limits.memoryStreamBytes ?? -1,
    disk_max_stream_bytes: limits.diskStreamBytes ?? -1,
    max_bytes_required: limits.maxBytesRequired ?? false,
  }
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}

/** `share` makes the bus name the caller: without it only the account would arrive (reference I.1). */
function commandsFrom(callout: string): Import {
  const { name = '', subject, type } = COMMANDS
  return { name, subject, type, account: callout, local_subject: subject, share: true }
}

/** The part of the feed that is the account's own: the server refuses any other (reference I.2). */
function eventsOf({ id }: Account, callout: string): Import {
  const { name = '', type } = EVENTS
  return { name, subject: `auth.feed.${id}.>`, type, account: callout, local_subject: EVENTS_HERE }
}

interface Taking {
  readonly from: string
  readonly by: string
  readonly signer: Signer
  readonly issuedAt: number
}

function taken({ name = '', subject, type }: Export, { from, by, signer, issuedAt }: Taking): Import {
  const activation = buildActivation({
    name,
    account: by,
    subject,
    kind: type,
    issuedAt,
    ...(signer.publicKey !== from && { issuerAccount: from }),
  })
  return { name, subject, type, account: from, token: encode(activation, signer), local_subject: subject }
}
