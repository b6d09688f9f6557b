import type { Account, AccountLimits as Limits } from '../domain/account.ts'
import type { Signer } from '../keys/signer.ts'
import { accountLimits, buildAccount } from './account.ts'
import { buildActivation } from './activation.ts'
import type {
  AccountClaims,
  AccountLimits,
  Export,
  Import,
  Unsigned,
  UserPermissionLimits,
} from './claims.ts'
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

/** What the service needs of the system account on its one connection (reference C.2, D). */
const SYSTEM_EXPORTS: readonly Export[] = [
  '$SYS.REQ.CLAIMS.UPDATE',
  '$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP',
  '$SYS.REQ.SERVER.*.IDZ',
  '$SYS.REQ.SERVER.PING.VARZ',
].map((subject) => ({ name: subject, subject, type: 'service', token_req: true, response_type: 'Stream' }))

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

/** What the service user may do in the callout account, and nothing else (reference F). */
export const SERVICE_PERMISSIONS: UserPermissionLimits = {
  pub: {
    allow: [
      '$JS.API.INFO',
      '$JS.API.STREAM.INFO.KV_gatehouse',
      '$JS.API.STREAM.CREATE.KV_gatehouse',
      '$JS.API.STREAM.UPDATE.KV_gatehouse',
      '$JS.API.STREAM.MSG.GET.KV_gatehouse',
      '$JS.API.STREAM.PURGE.KV_gatehouse',
      '$JS.API.DIRECT.GET.KV_gatehouse',
      '$JS.API.DIRECT.GET.KV_gatehouse.>',
      '$JS.API.CONSUMER.CREATE.KV_gatehouse',
      '$JS.API.CONSUMER.CREATE.KV_gatehouse.>',
      '$JS.API.CONSUMER.INFO.KV_gatehouse.*',
      '$JS.API.CONSUMER.DELETE.KV_gatehouse.*',
      '$JS.API.CONSUMER.MSG.NEXT.KV_gatehouse.*',
      '$JS.API.STREAM.INFO.auth-events',
      '$JS.API.STREAM.CREATE.auth-events',
      '$JS.API.STREAM.UPDATE.auth-events',
      '$KV.gatehouse.>',
      '$SYS.REQ.CLAIMS.UPDATE',
      '$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP',
      '$SYS.REQ.SERVER.*.IDZ',
      '$SYS.REQ.SERVER.PING.VARZ',
      // Answers: to servers that ask for a decision, and to commands from other accounts and from our own.
      '$SYS._INBOX.>',
      '_R_.>',
      '_INBOX_gatehouse.>',
    ],
  },
  sub: { allow: ['$SYS.REQ.USER.AUTH gatehouse', 'auth.v1.> gatehouse', '$SRV.>', '_INBOX_gatehouse.>'] },
}

/** Opens no subject at all: whoever is in the callout account is nobody until the callout has said who (reference 0.1). */
export const DENY_ALL: UserPermissionLimits = { pub: { deny: ['>'] }, sub: { deny: ['>'] } }

/** Everybody has the sentinel, so it proves nothing. */
export const SENTINEL_PERMISSIONS: UserPermissionLimits = { ...DENY_ALL, bearer_token: true }

export interface Issue {
  /** Seconds since the epoch. */
  readonly issuedAt: number
  readonly chain: Chain
}

/** The system account: what it gives, it gives to the callout account alone, against a token. */
export function systemClaims(account: Account, { issuedAt }: Issue): Unsigned<AccountClaims> {
  return claimsOf(account, issuedAt, { exports: SYSTEM_EXPORTS })
}

/** The callout account: takes what the system account gives, gives the commands. */
export function calloutClaims(
  account: Account,
  { issuedAt, chain }: Issue,
  systemSigner: Signer,
): Unsigned<AccountClaims> {
  return claimsOf(account, issuedAt, {
    imports: SYSTEM_EXPORTS.map((given) =>
      taken(given, { from: chain.system, by: account.id, signer: systemSigner, issuedAt }),
    ),
    exports: [COMMANDS, DISCOVERY],
    authorization: {
      auth_users: [chain.serviceUser],
      allowed_accounts: ['*'],
      ...(chain.xkey !== undefined && { xkey: chain.xkey }),
    },
  })
}

/** Where admins live: commands, and discovery of the service that answers them. */
export function adminClaims(
  account: Account,
  { issuedAt, chain }: Issue,
  calloutSigner: Signer,
): Unsigned<AccountClaims> {
  const discovery = taken(DISCOVERY, { from: chain.callout, by: account.id, signer: calloutSigner, issuedAt })
  return claimsOf(account, issuedAt, { imports: [commandsFrom(chain.callout), discovery] })
}

/** An account somebody asked for: its own, and the commands. */
export function tenantClaims(account: Account, { issuedAt, chain }: Issue): Unsigned<AccountClaims> {
  return claimsOf(account, issuedAt, { imports: [commandsFrom(chain.callout)] })
}

/** A suspended account says so in its JWT: servers let nobody in, and close what is open (reference C.5). */
const NOBODY = { conn: 0, leaf: 0 } as const

function claimsOf(
  account: Account,
  issuedAt: number,
  nats: Pick<AccountClaims['nats'], 'imports' | 'exports' | 'authorization'>,
): Unsigned<AccountClaims> {
  const { expiresAt, suspension } = account
  return buildAccount(
    {
      publicKey: account.id,
      name: account.name,
      issuedAt,
      ...(expiresAt !== undefined && { expiresAt: Math.floor(Date.parse(expiresAt) / 1_000) }),
    },
    {
      ...nats,
      limits: { ...limitsOf(account.limits, nats), ...(suspension && NOBODY) },
      ...(account.signingKeys.length > 0 && {
        signing_keys: account.signingKeys.map(({ publicKey }) => publicKey),
      }),
      ...(account.description !== undefined && { description: account.description }),
    },
  )
}

/** In a limits block what is omitted is zero (reference 0.5), so all of it is written. Our own imports are not counted. */
function limitsOf(
  limits: Limits,
  { imports = [], exports = [] }: Pick<AccountClaims['nats'], 'imports' | 'exports'>,
): AccountLimits {
  const { connections, leafNodes, subscriptions, payloadBytes, jetstream } = limits
  return accountLimits({
    conn: connections ?? -1,
    leaf: leafNodes ?? -1,
    subs: subscriptions ?? -1,
    payload: payloadBytes ?? -1,
    imports: limits.imports === undefined ? -1 : limits.imports + imports.length,
    exports: limits.exports === undefined ? -1 : limits.exports + exports.length,
    ...(jetstream && {
      mem_storage: jetstream.memoryBytes ?? -1,
      disk_storage: jetstream.diskBytes ?? -1,
      streams: jetstream.streams ?? -1,
      consumer: jetstream.consumers ?? -1,
    }),
  })
}

/** `share` makes the bus name the caller: without it only the account would arrive (reference I.1). */
function commandsFrom(callout: string): Import {
  const { name = '', subject, type } = COMMANDS
  return { name, subject, type, account: callout, local_subject: subject, share: true }
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
