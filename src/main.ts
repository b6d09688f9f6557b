import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Logger } from 'pino'
import { ulid } from 'ulid'
import { commands } from './admin/commands.ts'
import type { KeyRing, Secrets } from './admin/command.ts'
import { executeFor, type Admin } from './admin/execute.ts'
import { found } from './admin/found.ts'
import { answer, type Callout } from './callout/callout.ts'
import { grantOf } from './callout/grant-of.ts'
import { Replays } from './callout/replays.ts'
import { closeAll } from './closing.ts'
import type { Account } from './domain/account.ts'
import { adminClaims, tenantClaims } from './jwt/chain.ts'
import { Passwords } from './keys/password.ts'
import { createToken, hashToken } from './keys/token.ts'
import type { SealedText, Vault } from './keys/vault.ts'
import { AccountClaimsPush } from './nats/account-claims.ts'
import { serveAdmin } from './nats/admin-service.ts'
import { serveAuthCallout } from './nats/auth-callout.ts'
import { ensureStreams } from './nats/buckets.ts'
import { connectService, type ServiceConnection } from './nats/connection.ts'
import { KvDirectory } from './nats/directory.ts'
import { purgeSourcedEvents } from './nats/event-purge.ts'
import { KnownServers } from './nats/servers.ts'
import { signers } from './nats/signers.ts'
import { KvStateStore } from './nats/state-store.ts'
import type { TrustChain } from './nats/trust.ts'
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
    secrets: secrets(passwords, vault),
    grantOf: (actor) => grantOf(actor, directory),
    now: () => new Date(),
    nextId: () => ulid(),
    pause: (attempt) => sleep(Math.random() * Math.min(2 ** attempt, PAUSE_MS_MAX)),
    version: VERSION,
  }
  await found(admin.store, trust.founding, foundingContext(admin, trust))

  const directory = await KvDirectory.open(nc, CACHE)
  opened.push(directory)
  const servers = new KnownServers(nc)
  await servers.refresh()
  const accounts = followAccounts(options, { nc, directory, servers })
  opened.push(accounts)

  const callout: Callout = {
    directory,
    passwords,
    signers: signers(directory, { trust, vault }),
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
  opened.push(serving, await serveCommands(connection, { admin, telemetry, settled: accounts.settled }))
  await accounts.allSettled()

  const upkeep = startUpkeep(
    [
      { name: 'counting servers', run: () => servers.refresh() },
      { name: 'pushing accounts', run: accounts.allSettled },
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

interface Following {
  readonly nc: NatsConnection
  readonly directory: KvDirectory
  readonly servers: KnownServers
}

interface AccountsFollowed extends AsyncDisposable {
  /** Resolves when every resolver has the account as it is stored. */
  readonly settled: (account: string) => Promise<void>
  readonly allSettled: () => Promise<void>
}

/** Account JWTs follow the accounts as they are stored. */
function followAccounts(
  { trust, telemetry }: GatehouseOptions,
  { nc, directory, servers }: Following,
): AccountsFollowed {
  const push = new AccountClaimsPush(nc, {
    operatorSigner: trust.operatorSigner,
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
      await Promise.all(directory.accounts.map((account) => push.follow(account)))
    },
    [Symbol.asyncDispose]: () => push[Symbol.asyncDispose](),
  }
}

function foundingContext(admin: Admin, trust: TrustChain) {
  const id = admin.nextId()
  return {
    actor: { account: trust.chain.callout, user: 'gatehouse' },
    commandId: id,
    correlationId: id,
    at: admin.now().toISOString(),
    nextId: admin.nextId,
    version: admin.version,
  }
}

function trustOf(servers: KnownServers, trust: TrustChain): Callout['trust'] {
  return {
    calloutAccount: trust.chain.callout,
    isServer: (id) => servers.isServer(id),
    replays: new Replays(),
  }
}

/** SYS and AUTH are in the resolver before there is a service; the rest is pushed. */
function accountClaims(account: Account, issuedAt: number, trust: TrustChain) {
  const issue = { issuedAt, chain: trust.chain }
  switch (account.role) {
    case 'system':
    case 'callout':
      return undefined
    case 'admin':
      return adminClaims(account, issue, trust.calloutSigner)
    case 'tenant':
      return tenantClaims(account, issue)
  }
}

function keyRing(vault: Vault): KeyRing {
  return {
    createAccountKey() {
      const sealed = vault.generate('account')
      return { publicKey: sealed.publicKey, sealed }
    },
  }
}

function secrets(passwords: Passwords, vault: Vault): Secrets {
  return {
    createToken() {
      const token = createToken(randomBytes)
      return { token, hash: hashToken(token) }
    },
    digest: hashToken,
    hashPassword: (password) => passwords.hash(password),
    seal: (name, text) => vault.sealText(name, text),
    open: (sealed) => vault.openText(sealed as SealedText),
  }
}

interface Commanding {
  readonly admin: Admin
  readonly telemetry: Telemetry
  /** Resolves when the servers know the account as it is stored. */
  readonly settled: (account: string) => Promise<void>
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
      if (command.name.startsWith('account.') && typeof done['account'] === 'string') {
        const known = settled(done['account']).catch(() => undefined) // Committed all the same.
        await Promise.race([known, sleep(SETTLE_MS_MAX, undefined, { ref: false })])
      }
      return done
    },
    onDone: (command, outcome) => telemetry.commandDone(command.name, outcome),
    onError: (error, command) => telemetry.failed(error, `command ${command.name}`),
  })
}
