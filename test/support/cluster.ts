import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  connect,
  tokenAuthenticator,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node'
import { newestServer } from './binaries.ts'
import { startServers, together, type ClusterServer } from './cluster-servers.ts'
import { startReplicaProcess, type ReplicaProcess } from './replica-process.ts'
import { openReplica, type Replica } from './replica.ts'
import { openFounding, populate, type Founding, type World, type WorldOptions } from './world.ts'

export interface ClusterOptions extends Omit<WorldOptions, 'listen'> {
  /** nats-servers: 3 unless it says 1. */
  readonly servers?: 1 | 3
  /** Replicas of the service in this process, each on a server of its own where there are as many: 2 unless it says. */
  readonly replicas?: number
}

/** Where a client connects first: the number of a server, from 0. */
export interface Place extends ConnectionOptions {
  readonly server?: number
}

/**
 * A whole system of several nats-servers and several replicas. It is a `World` too, of its first server and its first
 * replica, so that what helps with worlds helps here.
 */
export interface Cluster extends World {
  readonly servers: readonly ClusterServer[]
  readonly replicas: readonly Replica[]
  connectAs(user: string, options?: Place): Promise<NatsConnection>
  connect(options: Place): Promise<NatsConnection>
  /** One replica more, in this process. */
  openReplica(server?: number): Promise<Replica>
  /** One replica more, as a process of its own. */
  startReplica(server?: number): Promise<ReplicaProcess>
  /** Resolves when all servers run, see each other, and JetStream has a leader whom the others follow. */
  together(): Promise<void>
}

/** Opens a cluster; leaving its scope closes clients, replicas and servers, and removes their files. */
export async function openCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const path = await mkdtemp(join(tmpdir(), 'gatehouse-'))
  const opened: AsyncDisposable[] = [
    { [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) },
  ]
  const close = async (): Promise<void> => {
    for (const each of opened.reverse()) await each[Symbol.asyncDispose]()
  }
  try {
    const founding = await openFounding(path, options)
    const binary = options.binary ?? (await newestServer())
    const servers = await startServers({ ...founding, binary, count: options.servers ?? 3 })
    opened.push(...servers)
    await together(servers, founding.trust)
    return { ...(await assemble({ founding, servers, opened }, options)), [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Parts {
  readonly founding: Founding
  readonly servers: readonly ClusterServer[]
  readonly opened: AsyncDisposable[]
}

async function assemble(
  { founding, servers, opened }: Parts,
  { replicas: count = 2, documents }: ClusterOptions,
): Promise<Omit<Cluster, typeof Symbol.asyncDispose>> {
  const copies = servers.length
  const urlOf = (server = 0): string => servers[server % servers.length]!.url
  const open = async (server?: number): Promise<Replica> => {
    const replica = await openReplica({ ...founding, url: urlOf(server), copies })
    opened.push(replica)
    return replica
  }
  const replicas: Replica[] = []
  while (replicas.length < count) replicas.push(await open(replicas.length)) // The first one founds the system.
  const [{ gatehouse, telemetry, heard }] = replicas as [Replica]
  const tokens = await populate(gatehouse, founding, documents)
  const connectWith = async ({ server, ...with_ }: Place): Promise<NatsConnection> => {
    const nc = await connect({ servers: urlOf(server), reconnect: false, ...with_ })
    opened.push({ [Symbol.asyncDispose]: () => nc.close() })
    return nc
  }
  return {
    ...founding,
    servers,
    replicas,
    server: servers[0]!.process,
    gatehouse,
    telemetry,
    heard,
    tokens,
    connect: connectWith,
    connectAs: (user, more = {}) =>
      connectWith({ authenticator: tokenAuthenticator(tokens[user] ?? ''), ...more }),
    openReplica: open,
    async startReplica(server) {
      const replica = await startReplicaProcess(founding, { url: urlOf(server), copies })
      opened.push(replica)
      return replica
    },
    together: () => together(servers, founding.trust),
  }
}
