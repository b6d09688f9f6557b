import type { Session } from '../../src/sessions/session.ts'

/** A session of Alice, on server N, but for what is said otherwise. */
export function aSession(more: Partial<Session> = {}): Session {
  const cid = more.cid ?? 1
  return {
    server: 'N',
    cid,
    account: 'AORDERS',
    user: 'alice',
    name: 'alice@example.com',
    credential: 'T',
    decision: `U${cid}`,
    grantHash: 'g',
    permissionsHash: 'p',
    policies: [],
    roles: [],
    client: { host: '127.0.0.1', kind: 'Client', type: 'nats' },
    since: '2026-11-21T12:00:00.000Z',
    seen: { records: 1, users: 1 },
    ...more,
  }
}
