import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Logger } from 'pino'
import { ulid } from 'ulid'
import { commands } from './admin/commands.ts'
import type { KeyRing, Secrets } from './admin/command.ts'
import { execute, type Admin } from './admin/execute.ts'
import { found } from './admin/found.ts'
import { answer, type Callout } from './callout/callout.ts'
import { Replays } from './callout/replays.ts'
import type { Signers } from './callout/sign.ts'
import type { Account } from './domain/account.ts'
import { GatehouseError } from './errors.ts'
import { adminClaims, tenantClaims } from './jwt/chain.ts'
import { Passwords } from './keys/password.ts'
import type { Signer } from './keys/signer.ts'
import { createToken, hashToken } from './keys/token.ts'
import type { SealedKey, Vault } from './keys/vault.ts'
import { AccountClaimsPush } from './nats/account-claims.ts'
import { serveAdmin } from './nats/admin-service.ts'
import { serveAuthCallout } from './nats/auth-callout.ts'
import { ensureStreams } from './nats/buckets.ts'
import { connectService, type ServiceConnection } from './nats/connection.ts'
import { KvDirectory } from './nats/directory.ts'
import { KnownServers } from './nats/servers.ts'
import { KvStateStore } from './nats/state-store.ts'
import type { TrustChain } from './nats/trust.ts'
import type { Telemetry } from './telemetry.ts'

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

/** A command that lost a race waits this long at most before it is decided anew. */
const PAUSE_MS_MAX = 250

export const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string
  }
).version

/** Connects, founds the system if it is new, and answers. Reads top to bottom. */
export async function startGatehouse(options: GatehouseOptions): Promise<Gatehouse> {
  const { url, trust, vault, telemetry } = options
  const opened: AsyncDisposable[] = []
  const leave = async (): Promise<void> => {
    for (const each of opened.reverse()) await each[Symbol.asyncDispose]()
  }
  try {
    const connection = await connectService(url, trust.serviceUser, {
      connected: (server) => telemetry.serverConnected(server),
      disconnected: () => telemetry.serverDisconnected(),
      failed: (error) => telemetry.failed(error, 'connection'),
    })
    opened.push(connection)
    const { nc } = connection

    await ensureStreams(nc, { replicas: options.replicas })
    const passwords = new Passwords({ concurrencyMax: HASHING_MAX, queueMax: HASHING_QUEUE_MAX })
    const admin: Admin = {
      store: await KvStateStore.open(nc),
      keys: keyRing(vault),
      secrets: secrets(passwords),
      now: () => new Date(),
      nextId: () => ulid(),
      pause: (attempt) => sleep(Math.random() * Math.min(2 ** attempt, PAUSE_MS_MAX)),
      version: VERSION,
    }
    await found(admin.store, trust.founding, foundingContext(admin, trust))

    const directory = await KvDirectory.open(nc, CACHE)
    opened.push(directory)
    const push = new AccountClaimsPush(nc, {
      operatorSigner: trust.operatorSigner,
      claims: (account, issuedAt) => accountClaims(account, issuedAt, trust),
      nowMs: Date.now,
      onError: (error, account) => telemetry.failed(error, `push of account ${account.name}`),
    })
    opened.push(push)
    directory.onAccount((account) => void push.follow(account))

    const callout: Callout = {
      directory,
      passwords,
      signers: signers(directory, { trust, vault }),
      xkey: trust.xkey,
      trust: trustOf(nc, trust),
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
    opened.push(serving)
    opened.push(await serveCommands(connection, admin, telemetry))

    const accountsPushed = async (): Promise<void> => {
      await directory.upToDate()
      await Promise.all(directory.accounts.map((account) => push.follow(account)))
    }
    await accountsPushed()
    return { admin, directory, connection, accountsPushed, [Symbol.asyncDispose]: leave }
  } catch (error) {
    await leave()
    throw error
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

function trustOf(nc: NatsConnection, trust: TrustChain): Callout['trust'] {
  const servers = new KnownServers(nc)
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

function secrets(passwords: Passwords): Secrets {
  return {
    createToken() {
      const token = createToken(randomBytes)
      return { token, hash: hashToken(token) }
    },
    hashPassword: (password) => passwords.hash(password),
  }
}

/** The newest signing key of an account signs its users, or its root where there is none. Opened once. */
function signers(directory: KvDirectory, { trust, vault }: { trust: TrustChain; vault: Vault }): Signers {
  const opened = new Map<string, Signer>()
  const { calloutSigner } = trust
  const { callout } = trust.chain
  return {
    response: calloutSigner,
    responseIssuerAccount: calloutSigner.publicKey === callout ? undefined : callout,
    userSigner(account) {
      const publicKey = account.signingKeys.at(-1)?.publicKey ?? account.id
      return opened.get(publicKey) ?? open(publicKey)
    },
  }

  async function open(publicKey: string): Promise<Signer | undefined> {
    const sealed = (await directory.sealed(publicKey)) as SealedKey | undefined
    if (sealed === undefined) return undefined
    const signer = vault.signer(sealed)
    opened.set(publicKey, signer)
    return signer
  }
}

function serveCommands(
  connection: ServiceConnection,
  admin: Admin,
  telemetry: Telemetry,
): Promise<AsyncDisposable> {
  return serveAdmin(connection, {
    commands,
    version: VERSION,
    execute: async (command, asked) => {
      try {
        const done = await execute(admin, command, asked)
        telemetry.commandDone(command.name, 'ok')
        return done
      } catch (error) {
        telemetry.commandDone(command.name, error instanceof GatehouseError ? error.code : 'internal_error')
        throw error
      }
    },
    onError: (error, command) => telemetry.failed(error, `command ${command.name}`),
  })
}
