import type { Arrival } from '../../src/sessions/presence.ts'
import type { Session } from '../../src/sessions/session.ts'

const SERVER = 'NDIFBR53LMI5Y2ODSWZZPQ7CQTWPM5WTMQGMDIUYQKZNQOC4MMQ2RNOT'
const ACCOUNT = 'ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA'
const DECISION = 'UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4'

export function aSession(facts: Partial<Session> = {}): Session {
  return {
    server: SERVER,
    cid: 7,
    account: ACCOUNT,
    user: '01K9ZC3B1W7X1V9N3KJ3W5Y6ZQ',
    name: 'alice@example.com',
    credential: '01K9ZC6WDCB1QZ1MV3Y8Q8Y1M5',
    decision: DECISION,
    grantHash: 'a',
    permissionsHash: 'b',
    policies: [],
    roles: [],
    client: { host: '10.1.2.3', kind: 'Client', type: 'nats', name: 'shop' },
    since: '2027-01-31T12:00:00.000Z',
    seen: { records: 1, users: 1 },
    ...facts,
  }
}

/** The same, as its server tells of it. */
export function anArrival({ server, cid, account, name, client, since }: Session): Arrival {
  return { server, cid, account, name, client, since }
}
