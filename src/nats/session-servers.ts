import type { Msg, NatsConnection } from '@nats-io/transport-node'
import type { Arrival } from '../sessions/presence.ts'
import type { SessionServers } from '../sessions/reconciliation.ts'
import type { Connection } from '../sessions/session.ts'
import { isSilence } from './silence.ts'
import { isOurs, type Ours } from './session-events.ts'

const QUIET_MS = 300
const ROUND_MS_MAX = 2_000
/** A server sorts all its connections for every page. */
const PAGE_MS_MAX = 5_000
/** Of some 500 bytes each. */
const PAGE = 1_024

/** What CONNZ says of a connection (reference D). */
interface Shown {
  readonly cid: number
  readonly kind?: string
  readonly type?: string
  readonly ip?: string
  readonly start: string
  readonly name?: string
  readonly lang?: string
  readonly version?: string
  readonly mqtt_client?: string
  readonly authorized_user?: string
  readonly account?: string
  /** Of those who came with a user JWT of their own. */
  readonly jwt?: string
}

interface Page {
  readonly data?: { readonly connections?: readonly Shown[] | null }
}

/** CONNZ by the id of the server: the connections of all accounts at once. */
export function busSessionServers(
  nc: NatsConnection,
  ours: Ours,
  { page: size = PAGE }: { readonly page?: number } = {},
): SessionServers {
  const ask = (server: string, body: object): Promise<readonly Shown[] | undefined> =>
    connz(nc, server, { auth: true, sort: 'cid', ...body })
  return {
    async ids() {
      const ids: string[] = []
      const options = { strategy: 'stall', stall: QUIET_MS, maxWait: ROUND_MS_MAX } as const
      for await (const answer of await nc.requestMany('$SYS.REQ.SERVER.PING.IDZ', '', options))
        ids.push(answer.json<{ readonly id: string }>().id)
      return ids
    },
    async *connections(server) {
      for (let offset = 0; ; offset += size) {
        const shown = await ask(server, { limit: size, offset })
        yield shown?.flatMap((each) => arrivalOf(each, server, ours))
        if (shown === undefined || shown.length < size) return
      }
    },
    async has({ server, cid }: Connection) {
      const shown = await ask(server, { cid })
      return shown?.some((each) => each.cid === cid)
    },
    async answers(server) {
      const subject = `$SYS.REQ.SERVER.${server}.IDZ`
      return (await heard(nc.request(subject, '', { timeout: ROUND_MS_MAX }))) !== undefined
    },
  }
}

async function connz(
  nc: NatsConnection,
  server: string,
  body: object,
): Promise<readonly Shown[] | undefined> {
  const subject = `$SYS.REQ.SERVER.${server}.CONNZ`
  const answer = await heard(nc.request(subject, JSON.stringify(body), { timeout: PAGE_MS_MAX }))
  return answer && (answer.json<Page>().data?.connections ?? [])
}

/** The answer, if there is one. */
async function heard(asked: Promise<Msg>): Promise<Msg | undefined> {
  try {
    return await asked
  } catch (error) {
    if (isSilence(error)) return undefined
    throw error
  }
}

function arrivalOf(shown: Shown, server: string, ours: Ours): readonly Arrival[] {
  const { account, authorized_user: name, jwt } = shown
  if (jwt !== undefined || account === undefined || name === undefined || !isOurs(account, ours)) return []
  const client = {
    host: shown.ip,
    kind: shown.kind,
    type: shown.type,
    mqtt_id: shown.mqtt_client,
    name: shown.name,
    lang: shown.lang,
    version: shown.version,
  }
  return [{ server, cid: shown.cid, account, name, since: shown.start, client }]
}
