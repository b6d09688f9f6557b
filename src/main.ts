import { setTimeout as sleep } from 'node:timers/promises'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Logger } from 'pino'
import { ulid } from 'ulid'
import { commands } from './admin/commands.ts'
import { executeFor, type Admin } from './admin/execute.ts'
import { found } from './admin/found.ts'
import { answer, type Callout } from './callout/callout.ts'
import { grantOf } from './callout/grant-of.ts'
import { Replays } from './callout/replays.ts'
import { closeAll } from './closing.ts'
import type { Account } from './domain/account.ts'
import { adminClaims, calloutClaims, systemClaims, tenantClaims } from './jwt/chain.ts'
import { Passwords } from './keys/password.ts'
import type { Signer } from './keys/signer.ts'
import type { Vault } from './keys/vault.ts'
import { keyRing, secrets } from './making.ts'
import { AccountClaimsPush } from './nats/account-claims.ts'
import { serveAdmin } from './nats/admin-service.ts'
import { serveAuthCallout } from './nats/auth-callout.ts'
import { ensureStreams } from './nats/buckets.ts'
import { connectService, type ServiceConnection } from './nats/connection.ts'
import { KvDirectory } from './nats/directory.ts'
import { purgeSourcedEvents } from './nats/event-purge.ts'
import { OperatorFollow } from './nats/operator-follow.ts'
import { KnownServers } from './nats/servers.ts'
import { signers } from './nats/signers.ts'
import { KvStateStore } from './nats/state-store.ts'
import type { TrustChain } from './nats/trust.ts'
import { TrustedKeys } from './nats/trusted-keys.ts'
import { startUpkeep } from './nats/upkeep.ts'
import type { Telemetry } from './telemetry.ts'
import { VERSION } from './version.ts'

/** What one replica of the service is made of. */
export interface GatehouseOptions {
  readonly url: string
  readonly trust: TrustChain
  readonly vault: Vault
  readonly telemetry: Telemetry
  readonly log: Logger
  readonly replicas: number
}

/** A replica that answers. Leaving its scope drains it: what is in its hands is answered first. */
export interface Gatehouse extends AsyncDisposable {
  readonly admin: Admin
  readonly directory: KvDirectory
  readonly connection: ServiceConnection
  /** Resolves when every resolver holds every account as it is stored. */
  accountsPushed(): Promise<void>
}

/** Users, and what leads to them, that a replica remembers. About 1 KiB each. */
const CACHE = { values: 200_000, absences: 50_000 } as const
/** Requests under way; each waits for a fetch or a hash at most. */
const CONCURRENCY_MAX = 2_000
/** One less than libuv's pool, so that hashing never takes all of it. */
const HASHING_MAX = 3
/** About what three can hash while a server waits for its answer. */
const HASHING_QUEUE_MAX = 100

/** Draining asks the server, and one that hangs never answers. */
const DRAIN_MS_MAX = 5_000

/** What a crash left undone, or somebody else changed in the resolvers, is put right within this time. */
const UPKEEP_MS = 60_000

/** How long the reply to a command on an account waits for the servers to know. */
const SETTLE_MS_MAX = 2_000

/** A command that lost a race waits this long at most before it is decided anew. */
const PAUSE_MS_MAX = 250

/** Connects, founds the system if it is new, and answers. What was opened is closed again when a later part fails. */
export async function startGatehouse(options: GatehouseOptions): Promise<Gatehouse> {
  const opened: AsyncDisposable[] = []
  const onError = (error: unknown): void => options.telemetry.failed(error, 'leaving')
  const leave = (): Promise<void> => closeAll(opened, { waitMsMax: DRAIN_MS_MAX, onError })
  try {
    return { ...(await assemble(options, opened)), [Symbol.asyncDispose]: leave }
  } catch (error) {
    await leave()
    throw error
  }
}

/** The parts, each on those before it. Reads top to bottom. */
async function assemble(
  options: GatehouseOptions,
  opened: AsyncDisposable[],
): Promise<Omit<Gatehouse, typeof Symbol.asyncDispose>> {
  const { trust, vault, telemetry } = options
  const connection = await openConnection(options, opened)
  const { nc } = connection
  await ensureStreams(nc, { replicas: options.replicas })

  const passwords = new Passwords({ concurrencyMax: HASHING_MAX, queueMax: HASHING_QUEUE_MAX })
  const admin: Admin = {
    store: await KvStateStore.open(nc),
    keys: keyRing(vault),
    secrets: secrets(passwords, { vault, trust }),
    trust: { seen: () => operator.seen(), jwt: (of) => operator.jwt(of) },
    grantOf: (actor) => grantOf(actor, directory),
    now: () => new Date(),
    nextId: () => ulid(),
    pause: (attempt) => sleep(Math.random() * Math.min(2 ** attempt, PAUSE_MS_MAX)),
    version: VERSION,
  }
  await found(admin.store, trust.founding, foundingContext(admin, trust))

  const directory = await KvDirectory.open(nc, CACHE)
  opened.push(directory)
  const following = await followState(options, { nc, directory })
  const { servers, accounts, operator } = following
  opened.push(accounts)

  const callout: Callout = {
    directory,
    passwords,
    signers: following.stored,
    xkey: trust.xkey,
    trust: trustOf(servers, trust),
    nowMs: Date.now,
    tickMs: () => performance.now(),
    random: Math.random,
    observer: telemetry,
  }
  const serving = serveAuthCallout(connection, {
    concurrencyMax: CONCURRENCY_MAX,
    answer: (incoming) => answer(callout, incoming),
    onOverload: () => telemetry.overloaded(),
    onError: (error) => telemetry.failed(error, 'callout'),
  })
  const settled = { account: accounts.settled, operator: () => operator.settled() }
  opened.push(serving, await serveCommands(connection, { admin, telemetry, settled }))
  await accounts.allSettled()
  await operator.kept()

  const upkeep = startUpkeep(
    [
      { name: 'counting servers', run: () => servers.refresh() },
      { name: 'asking servers whom they trust', run: () => following.trusted.refresh() },
      { name: 'pushing accounts', run: accounts.allSettled },
      { name: 'keeping the operator', run: () => operator.kept() },
      { name: 'purging sourced events', run: () => purgeSourcedEvents(nc) },
    ],
    { everyMs: UPKEEP_MS, onError: (error, task) => telemetry.failed(error, task) },
  )
  opened.push(upkeep)
  connection.onReconnect(() => void upkeep.now())
  return { admin, directory, connection, accountsPushed: accounts.allSettled }
}

async function openConnection(
  { url, trust, telemetry }: GatehouseOptions,
  opened: AsyncDisposable[],
): Promise<ServiceConnection> {
  const connection = await connectService(url, trust.serviceUser, {
    connected: (server) => telemetry.serverConnected(server),
    disconnected: () => telemetry.serverDisconnected(),
    failed: (error) => telemetry.failed(error, 'connection'),
  })
  // Closing comes last, for what could not be drained.
  opened.push({ [Symbol.asyncDispose]: () => connection.nc.close() }, connection)
  return connection
}

interface Followed {
  readonly nc: NatsConnection
  readonly directory: KvDirectory
}

/** What the servers are told follows the state: account JWTs, and the operator's. */
async function followState(options: GatehouseOptions, { nc, directory }: Followed) {
  const { trust, vault, telemetry } = options
  const servers = new KnownServers(nc)
  await servers.refresh()
  const trusted = new TrustedKeys(nc, { operator: trust.operator, servers: () => servers.size })
  await trusted.refresh().catch((error: unknown) => telemetry.failed(error, 'asking servers whom they trust'))
  const stored = signers(directory, { trust, vault })
  const operatorSigner = (): Promise<Signer> =>
    stored.operatorSigner({ trusted: trusted.byAll, nowMs: Date.now() })
  const accounts = followAccounts(options, { nc, directory, servers, operatorSigner })
  const operator = new OperatorFollow({
    trust,
    trusted,
    servers,
    directory,
    accountsPushed: accounts.allSettled,
    nowMs: Date.now,
    onError: (error) => telemetry.failed(error, 'keeping the operator'),
  })
  return { servers, trusted, stored, accounts, operator }
}

interface Following extends Followed {
  readonly servers: KnownServers
  readonly operatorSigner: () => Promise<Signer>
}

interface AccountsFollowed extends AsyncDisposable {
  /** Resolves when every resolver has the account as it is stored. */
  readonly settled: (account: string) => Promise<void>
  readonly allSettled: () => Promise<void>
}

/** Account JWTs follow the accounts as they are stored. */
function followAccounts(
  { trust, telemetry }: GatehouseOptions,
  { nc, directory, servers, operatorSigner }: Following,
): AccountsFollowed {
  const push = new AccountClaimsPush(nc, {
    operatorSigner,
    claims: (account, issuedAt) => accountClaims(account, issuedAt, trust),
    nowMs: Date.now,
    servers: () => servers.size,
    onError: (error, account) => {
      telemetry.failed(error, `push of account ${account.name}`)
      servers.refresh().catch(() => undefined) // Perhaps there are fewer by now.
    },
  })
  directory.onAccount((account) => void push.follow(account))
  return {
    settled: async (id) => {
      await directory.upToDate()
      const account = directory.account(id)
      if (account !== undefined) await push.follow(account)
    },
    allSettled: async () => {
      await directory.upToDate()
      await push.followAll(directory.accounts)
    },
    [Symbol.asyncDispose]: () => push[Symbol.asyncDispose](),
  }
}

function foundingContext({ nextId, now, version }: Admin, trust: TrustChain) {
  const id = nextId()
  const actor = { account: trust.chain.callout, user: 'gatehouse' }
  return { actor, commandId: id, correlationId: id, at: now().toISOString(), nextId, version }
}

function trustOf(servers: KnownServers, { chain }: TrustChain): Callout['trust'] {
  const isServer = (id: string): boolean | Promise<boolean> => servers.isServer(id)
  return { calloutAccount: chain.callout, isServer, replays: new Replays() }
}

/** SYS and AUTH are in the resolver before there is a service; they are pushed when another key is to sign them. */
function accountClaims(account: Account, issuedAt: number, trust: TrustChain) {
  const issue = { issuedAt, chain: trust.chain }
  switch (account.role) {
    case 'system':
      return systemClaims(account, issue)
    case 'callout':
      return calloutClaims(account, issue, trust.systemSigner)
    case 'admin':
      return adminClaims(account, issue, trust.calloutSigner)
    case 'tenant':
      return tenantClaims(account, issue)
  }
}

interface Commanding {
  readonly admin: Admin
  readonly telemetry: Telemetry
  /** Resolve when the servers know the account as it is stored, and when the operator JWT says what is stored. */
  readonly settled: {
    readonly account: (id: string) => Promise<void>
    readonly operator: () => Promise<void>
  }
}

function serveCommands(
  connection: ServiceConnection,
  { admin, telemetry, settled }: Commanding,
): Promise<AsyncDisposable> {
  return serveAdmin(connection, {
    commands,
    version: VERSION,
    execute: async (command, asked) => {
      const done = await executeFor(admin, command, asked)
      // Whoever made an account will want to use it: the reply comes when it can be, or says so all the same.
      const known = command.name.startsWith('operator.')
        ? settled.operator()
        : command.name.startsWith('account.') && typeof done['account'] === 'string'
          ? settled.account(done['account'])
          : Promise.resolve()
      const outOfPatience = sleep(SETTLE_MS_MAX, undefined, { ref: false })
      await Promise.race([known.catch(() => undefined), outOfPatience]) // Committed all the same.
      return done
    },
    onDone: (command, outcome) => telemetry.commandDone(command.name, outcome),
    onError: (error, command) => telemetry.failed(error, `command ${command.name}`),
  })
}
