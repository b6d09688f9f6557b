import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DataDir } from './data-dir.ts'
import { writeAtomically } from './data-dir.ts'
import { startServer, stopOrphan, type ServerProcess } from './server-process.ts'
import type { TrustChain } from './trust.ts'

/** `host:port`, as nats-server.conf wants it. Port -1: the kernel chooses. */
export interface Listening {
  readonly nats: string
  readonly websocket: string
  readonly mqtt: string
}

/** A server among others. They have one name for all of them together, and each one of its own. */
export interface Clustering {
  readonly cluster: string
  readonly server: string
  /** `host:port` for the other servers. */
  readonly listen: string
  /** Of all servers: JetStream takes from it how many there are. */
  readonly routes: readonly string[]
}

export interface EmbeddedOptions {
  readonly binary: string
  readonly configFile: string
  readonly dir: DataDir
  readonly trust: TrustChain
  readonly listen: Listening
  /** Absent when it is the only one. */
  readonly clustering?: Clustering | undefined
  readonly log: (line: string) => void
}

const PID_FILE = 'nats-server.pid'

/** To nats-server a cluster at port 0 is none. */
const ALONE: Clustering = { cluster: 'gatehouse', server: 'gatehouse', listen: '127.0.0.1:0', routes: [] }

/**
 * Runs the nats-server of one data directory, in operator mode, on the configuration everybody can read. A server
 * that outlived a killed Gatehouse on this directory is ended first.
 */
export async function startEmbeddedServer(options: EmbeddedOptions): Promise<ServerProcess> {
  const { binary, configFile, dir, trust, listen, clustering = ALONE, log } = options
  const pidFile = dir.file(PID_FILE)
  await stopOrphan({ pidFile })
  const resolverDir = dir.file('resolver')
  writeAccounts(resolverDir, trust)
  return startServer({
    binary,
    configFile,
    portsDir: dir.file('ports'),
    pidFile,
    log,
    // Nothing of ours but what the configuration asks for: no master key, no token.
    env: {
      NATS_SERVER_NAME: quoted(clustering.server),
      NATS_LISTEN: quoted(listen.nats),
      NATS_OPERATOR_JWT: trust.operatorJwt,
      NATS_SYSTEM_ACCOUNT: trust.chain.system,
      NATS_SENTINEL_JWT: trust.sentinelJwt,
      NATS_RESOLVER_DIR: quoted(resolverDir),
      NATS_JETSTREAM_DIR: quoted(dir.file('jetstream')),
      NATS_WEBSOCKET_LISTEN: quoted(listen.websocket),
      NATS_MQTT_LISTEN: quoted(listen.mqtt),
      NATS_CLUSTER_NAME: quoted(clustering.cluster),
      NATS_CLUSTER_LISTEN: quoted(clustering.listen),
      NATS_CLUSTER_ROUTES: `[${clustering.routes.map(quoted).join(', ')}]`,
    },
  })
}

/** Without SYS and AUTH nobody could log in to push anything, so they are there before the server starts. */
function writeAccounts(resolverDir: string, trust: TrustChain): void {
  mkdirSync(resolverDir, { recursive: true, mode: 0o700 })
  for (const [account, jwt] of trust.accountJwts) {
    const file = join(resolverDir, `${account}.jwt`)
    if (!existsSync(file) || readFileSync(file, 'utf8') !== jwt) writeAtomically(file, jwt)
  }
}

/** A string for nats-server's configuration language, whatever a path holds. */
function quoted(text: string): string {
  return JSON.stringify(text)
}
