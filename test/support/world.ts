import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  connect,
  tokenAuthenticator,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node'
import { apply } from '../../src/admin/apply.ts'
import { parseDocuments } from '../../src/admin/documents.ts'
import { declaredTokens } from '../../src/cli/declared-tokens.ts'
import type { ThrottleOptions } from '../../src/callout/throttle.ts'
import { readSources } from '../../src/cli/sources.ts'
import { Vault } from '../../src/keys/vault.ts'
import type { Gatehouse } from '../../src/main.ts'
import { openDataDir, type DataDir } from '../../src/nats/data-dir.ts'
import { startEmbeddedServer } from '../../src/nats/embedded-server.ts'
import type { ServerProcess } from '../../src/nats/server-process.ts'
import { TrustChain } from '../../src/nats/trust.ts'
import type { Telemetry } from '../../src/telemetry.ts'
import { newestServer } from './binaries.ts'
import { openReplica, type Heard } from './replica.ts'

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

export interface WorldOptions {
  readonly signing?: 'strict' | 'root'
  readonly xkey?: 'on' | 'off'
  /** Path of the nats-server; by default the newest supported one. */
  readonly binary?: string
  /** A folder with operator/, accounts/ and policies/; by default the samples. */
  readonly documents?: string
  /** Where clients connect, with a port that the kernel chooses; by default IPv4 on this machine. */
  readonly listen?: string
  readonly throttle?: Partial<ThrottleOptions>
}

/** A whole system on kernel-chosen ports: a real nats-server in operator mode, and the service. */
export interface World extends AsyncDisposable {
  readonly dir: DataDir
  readonly server: ServerProcess
  readonly trust: TrustChain
  readonly vault: Vault
  readonly gatehouse: Gatehouse
  readonly telemetry: Telemetry
  readonly heard: Heard
  /** By user name, of the declared users. */
  readonly tokens: Readonly<Record<string, string>>
  /** A client with nothing but the token of that user. Closed with the world. */
  connectAs(user: string, options?: ConnectionOptions): Promise<NatsConnection>
  /** A client with whatever these options say. Closed with the world. */
  connect(options: ConnectionOptions): Promise<NatsConnection>
}

export const ANY_PORT = '127.0.0.1:-1'

/** What there is before any server runs. */
export type Founding = Pick<World, 'dir' | 'trust' | 'vault'>

export async function openFounding(
  path: string,
  { signing = 'strict', xkey = 'on' }: WorldOptions,
): Promise<Founding> {
  const dir = await openDataDir(path)
  const vault = new Vault(Buffer.alloc(32, 7))
  const at = new Date().toISOString()
  const trust = TrustChain.open(dir.file('trust.json'), vault, {
    operatorName: 'gatehouse',
    signing,
    xkey,
    at,
  })
  return { dir, trust, vault }
}

/** Applies the documents. Gives the tokens of the users that they declare, by name. */
export async function populate(
  gatehouse: Gatehouse,
  { dir, trust, vault }: Founding,
  folder = PROJECT,
): Promise<World['tokens']> {
  const { admin } = gatehouse
  const documents = parseDocuments(await readSources(folder))
  const actor = { account: trust.chain.admin, user: 'test' }
  await apply(admin, documents, actor)
  await gatehouse.accountsPushed()
  return declaredTokens(documents, { file: dir.file('tokens.json'), vault, admin, actor })
}

/** Opens a world; leaving its scope closes clients, service and server, and removes its files. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const path = await mkdtemp(join(tmpdir(), 'gatehouse-'))
  const opened: AsyncDisposable[] = [
    { [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) },
  ]
  const close = async (): Promise<void> => {
    for (const each of opened.reverse()) await each[Symbol.asyncDispose]()
  }
  try {
    const { dir, trust, vault } = await openFounding(path, options)
    const server = await startEmbeddedServer({
      binary: options.binary ?? (await newestServer()),
      configFile: join(PROJECT, 'nats-server.conf'),
      dir,
      trust,
      listen: { nats: options.listen ?? ANY_PORT, websocket: ANY_PORT, mqtt: ANY_PORT },
      log: () => undefined,
    })
    opened.push(server)

    const { throttle } = options
    const replica = await openReplica({ url: server.url, trust, vault, copies: 1, throttle })
    opened.push(replica)
    const { gatehouse, telemetry, heard } = replica
    const tokens = await populate(gatehouse, { dir, trust, vault }, options.documents)

    const connectWith = async (with_: ConnectionOptions): Promise<NatsConnection> => {
      const nc = await connect({ servers: server.url, reconnect: false, ...with_ })
      opened.push({ [Symbol.asyncDispose]: () => nc.close() })
      return nc
    }
    return {
      dir,
      server,
      trust,
      vault,
      gatehouse,
      telemetry,
      heard,
      tokens,
      connect: connectWith,
      connectAs: (user, more = {}) =>
        connectWith({ authenticator: tokenAuthenticator(tokens[user] ?? ''), ...more }),
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
