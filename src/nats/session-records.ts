import type { NatsConnection } from '@nats-io/transport-node'
import type { SessionRecords, Traffic } from '../admin/session-records.ts'
import type { OpenSessions } from '../sessions/open-sessions.ts'
import type { Connection, Session, SessionId } from '../sessions/session.ts'
import { BucketPages } from './bucket-pages.ts'
import { SESSIONS_PREFIX, SESSIONS_STREAM } from './buckets.ts'

const SESSIONS = { stream: SESSIONS_STREAM, prefix: SESSIONS_PREFIX, what: 'sessions' } as const
/** A server answers in a few milliseconds. Somebody waits for what the others say. */
const TRAFFIC_MS_MAX = 1_000

/** Who is connected, as commands read it: the bucket for lists, this replica's memory where it is enough. */
export function sessionRecords(nc: NatsConnection, open: () => OpenSessions): SessionRecords {
  const pages = new BucketPages(nc, SESSIONS)
  return {
    page: (filter, from) => pages.page(filter, from),
    open,
    async get(id) {
      const known = open().get(id)
      return known ?? (await stored(pages, id))
    },
    traffic: (connection) => trafficOf(nc, connection),
  }
}

/** A server gives a number once, so there is one of that id; of others that had its place there may be marks. */
async function stored(pages: BucketPages, id: SessionId): Promise<Session | undefined> {
  const { entries } = await pages.page(`*.*.${id}`, { after: 0, limit: 1 })
  return entries[0]?.value as Session | undefined
}

/** A connection of CONNZ (reference D), as far as it is told. */
interface Connz {
  readonly data?: {
    readonly connections?: readonly {
      readonly in_msgs: number
      readonly out_msgs: number
      readonly in_bytes: number
      readonly out_bytes: number
      readonly subscriptions: number
      readonly pending_bytes: number
      readonly rtt?: string
      readonly last_activity?: string
    }[]
  }
}

async function trafficOf(
  nc: NatsConnection,
  { server, cid }: Connection,
): Promise<Traffic | 'gone' | 'unknown'> {
  const question = JSON.stringify({ cid })
  const answer = await nc
    .request(`$SYS.REQ.SERVER.${server}.CONNZ`, question, { timeout: TRAFFIC_MS_MAX })
    .catch(() => undefined) // What is stored can be told without it.
  if (answer === undefined) return 'unknown'
  const [found] = answer.json<Connz>().data?.connections ?? []
  if (found === undefined) return 'gone'
  return {
    messagesIn: found.in_msgs,
    messagesOut: found.out_msgs,
    bytesIn: found.in_bytes,
    bytesOut: found.out_bytes,
    subscriptions: found.subscriptions,
    pendingBytes: found.pending_bytes,
    rtt: found.rtt,
    lastActivity: found.last_activity,
  }
}
