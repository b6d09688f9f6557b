import type { NatsConnection } from '@nats-io/transport-node'
import type { AccountServers } from '../admin/account-jwts.ts'
import type { LiveSessions } from '../callout/presence.ts'
import { GatehouseError } from '../errors.ts'
import { sessionId } from '../sessions/session.ts'
import { askServers } from './ask-servers.ts'
import type { KnownServers } from './servers.ts'

/** A client waits at the door meanwhile. */
const SESSIONS_MS_MAX = 1_000
const STREAMS_MS_MAX = 2_000
/** As many connections as CONNZ shows at a time unless it is told otherwise. */
const CONNECTIONS_PAGE = 1_024
/** An account with more on one server is not counted: that would take minutes. */
const PAGES_MAX = 100

interface Streams {
  /** Absent, with an error in its place, where the account has no JetStream. */
  readonly data?: { readonly stream_detail?: readonly { readonly name: string }[] } | null
}

/** Asks every server for the streams it has of an account (reference D): each tells its own. */
export function accountServers(
  nc: NatsConnection,
  servers: () => Pick<KnownServers, 'size'>,
  { page = CONNECTIONS_PAGE }: { readonly page?: number } = {},
): AccountServers {
  return {
    async streamsOf(account) {
      const answers = await askServers<Streams>(nc, {
        subject: `$SYS.REQ.ACCOUNT.${account}.JSZ`,
        body: JSON.stringify({ streams: true }),
        servers: servers().size,
        waitMsMax: STREAMS_MS_MAX,
      })
      const names = answers.flatMap(({ data }) => (data?.stream_detail ?? []).map(({ name }) => name))
      return new Set(names).size
    },
    connectionsOf: (account, user) => connectionsOf({ nc, servers: servers().size, page }, account, user),
  }
}

/** As CONNZ counts them. */
const STATES = { open: 0, closed: 1 } as const

interface Connections {
  readonly server: { readonly id: string }
  readonly data: { readonly connections: readonly { readonly cid: number }[] }
}

/** Asks every server for the connections of a user: `user` finds those whose JWT has that name (reference D). */
export function liveSessions(nc: NatsConnection, servers: KnownServers): LiveSessions {
  return async (account, user, state) => {
    const question = {
      subject: `$SYS.REQ.ACCOUNT.${account}.CONNZ`,
      body: JSON.stringify({ auth: true, user, state: STATES[state] }),
      servers: servers.size,
      waitMsMax: SESSIONS_MS_MAX,
    }
    const answers = await askServers<Connections>(nc, question).catch((error: unknown) => {
      servers.refresh().catch(() => undefined) // Perhaps there are fewer by now.
      throw error
    })
    const ids = answers.flatMap(({ server, data }) =>
      data.connections.map(({ cid }) => sessionId({ server: server.id, cid })),
    )
    return new Set(ids)
  }
}

const CONNECTIONS_MS_MAX = 2_000

interface Cluster {
  readonly nc: NatsConnection
  readonly servers: number
  /** How many connections each server is asked for at a time. */
  readonly page: number
}

interface Page {
  readonly data: { readonly connections: readonly { readonly authorized_user?: string }[] }
}

/** Page by page of all servers at once, until the one with the most has told its last. */
async function connectionsOf(
  { nc, servers, page }: Cluster,
  account: string,
  user: string | undefined,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (let offset = 0; offset < PAGES_MAX * page; offset += page) {
    const answers = await askServers<Page>(nc, {
      subject: `$SYS.REQ.ACCOUNT.${account}.CONNZ`,
      body: JSON.stringify({ auth: true, user, sort: 'cid', limit: page, offset }),
      servers,
      waitMsMax: CONNECTIONS_MS_MAX,
    })
    for (const { authorized_user = '' } of answers.flatMap(({ data }) => data.connections))
      counts.set(authorized_user, (counts.get(authorized_user) ?? 0) + 1)
    if (answers.every(({ data }) => data.connections.length < page)) return counts
  }
  throw new GatehouseError('unavailable', `there are more than ${page * PAGES_MAX} connections on one server`)
}
