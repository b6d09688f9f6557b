import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { GatehouseError } from '../../src/errors.ts'
import { encode } from '../../src/jwt/token.ts'
import { buildUser } from '../../src/jwt/user.ts'
import { authenticatorOf } from '../../src/nats/connection.ts'
import { openDataDir, type DataDir } from '../../src/nats/data-dir.ts'
import { startEmbeddedServer, type Clustering, type Listening } from '../../src/nats/embedded-server.ts'
import type { ServerProcess } from '../../src/nats/server-process.ts'
import type { TrustChain } from '../../src/nats/trust.ts'
import { eventually } from './eventually.ts'
import { ANY_PORT, PROJECT, type Founding } from './world.ts'

/** One nats-server of several: what it was started with stays when it is started again, its process does not. */
export class ClusterServer implements AsyncDisposable {
  readonly #start: (listen: Listening) => Promise<ServerProcess>
  #process: ServerProcess

  private constructor(start: (listen: Listening) => Promise<ServerProcess>, process: ServerProcess) {
    this.#start = start
    this.#process = process
  }

  static async start(start: (listen: Listening) => Promise<ServerProcess>): Promise<ClusterServer> {
    const anywhere = { nats: ANY_PORT, websocket: ANY_PORT, mqtt: ANY_PORT }
    return new ClusterServer(start, await start(anywhere))
  }

  /** The process that runs now, or ran last. */
  get process(): ServerProcess {
    return this.#process
  }

  get url(): string {
    return this.#process.url
  }

  /** Ends it in the middle of everything. */
  async kill(): Promise<void> {
    process.kill(this.#process.pid, 'SIGKILL')
    await this.#process.exited
  }

  /** Starts it again, on its ports and its files. */
  async restart(): Promise<void> {
    await this.#process[Symbol.asyncDispose]()
    const { nats, websocket, mqtt } = this.#process.ports
    const at = (port: number | undefined): string => `127.0.0.1:${port ?? -1}`
    this.#process = await patiently(() =>
      this.#start({ nats: at(nats), websocket: at(websocket), mqtt: at(mqtt) }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]()
  }
}

export interface ServersOptions extends Pick<Founding, 'dir' | 'trust'> {
  readonly count: number
  readonly binary: string
}

/** So many servers that know each other, each with a data directory of its own. One alone is no cluster. */
export function startServers(options: ServersOptions): Promise<readonly ClusterServer[]> {
  return patiently(() => startOnFreePorts(options))
}

/**
 * Routes want to be told before anybody listens, so their ports are free ones and not yet anybody's: it can be that
 * another program is faster.
 */
async function startOnFreePorts({
  count,
  binary,
  dir,
  trust,
}: ServersOptions): Promise<readonly ClusterServer[]> {
  const addresses = count === 1 ? [] : (await freePorts(count)).map((port) => `127.0.0.1:${port}`)
  const routes = addresses.map((address) => `nats://${address}`)
  const clusteringOf = (index: number): Clustering | undefined => {
    const listen = addresses[index]
    return listen === undefined
      ? undefined
      : { cluster: 'gatehouse', server: `n${index + 1}`, listen, routes }
  }
  const starts = Array.from({ length: count }, async (_, index) => {
    const own = await openDataDir(join(dir.path, `n${index + 1}`))
    return ClusterServer.start((listen) => startOne({ binary, own, trust, listen }, clusteringOf(index)))
  })
  const started = await Promise.allSettled(starts)
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failure = started.find((one) => one.status === 'rejected')
  if (failure === undefined) return servers
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
  throw failure.reason
}

interface Start {
  readonly binary: string
  readonly own: DataDir
  readonly trust: TrustChain
  readonly listen: Listening
}

function startOne({ binary, own, trust, listen }: Start, clustering: Clustering | undefined) {
  return startEmbeddedServer({
    binary,
    configFile: join(PROJECT, 'nats-server.conf'),
    dir: own,
    trust,
    listen,
    clustering,
    log: () => undefined,
  })
}

async function freePorts(count: number): Promise<readonly number[]> {
  const held = await Promise.all(
    Array.from({ length: count }, async () => {
      const listener = createServer().listen(0, '127.0.0.1')
      await once(listener, 'listening')
      return listener
    }),
  )
  const ports = held.map((listener) => (listener.address() as AddressInfo).port)
  for (const listener of held) {
    listener.close()
    await once(listener, 'close')
  }
  return ports
}

/** Once more where another program had the port for a moment. */
async function patiently<Result>(start: () => Promise<Result>): Promise<Result> {
  return eventually(async () => {
    try {
      return await start()
    } catch (error) {
      const wasTaken = error instanceof GatehouseError && error.message.includes('another program')
      if (!wasTaken) throw error
      return undefined
    }
  }, 60_000)
}

interface JetStream {
  readonly server: { readonly name: string }
  readonly data?: {
    readonly meta_cluster?: {
      readonly leader?: string
      readonly replicas?: readonly { readonly current: boolean; readonly offline?: boolean }[]
    }
  }
}

/** Waits until all of these servers see each other, and JetStream has a leader whom the others follow. */
export async function together(servers: readonly ClusterServer[], trust: TrustChain): Promise<void> {
  const first = servers[0]
  if (first === undefined || servers.length === 1) return
  const nc = await connect({ servers: first.url, authenticator: systemAuthenticator(trust) })
  try {
    await eventually(async () => {
      const answers: JetStream[] = []
      const options = { strategy: 'count', maxMessages: servers.length, maxWait: 1_000 } as const
      for await (const answer of await nc.requestMany('$SYS.REQ.SERVER.PING.JSZ', '{}', options))
        answers.push(answer.json<JetStream>())
      const led = answers.find(({ server, data }) => data?.meta_cluster?.leader === server.name)
      const following = led?.data?.meta_cluster?.replicas?.filter(
        (one) => one.current && one.offline !== true,
      )
      return answers.length === servers.length && following?.length === servers.length - 1
    }, 60_000)
  } finally {
    await nc.close()
  }
}

/** Somebody of the system account who may do everything. Only tests have one. */
export function systemAuthenticator(trust: TrustChain) {
  const { signer } = trust.serviceUser
  const by = trust.systemSigner
  const issuer = by.publicKey === trust.chain.system ? {} : { issuerAccount: trust.chain.system }
  const identity = { publicKey: signer.publicKey, name: 'test', issuedAt: Math.floor(Date.now() / 1_000) }
  return authenticatorOf({ jwt: encode(buildUser({ ...identity, ...issuer }, {}), by), signer })
}
