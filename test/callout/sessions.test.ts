import { describe, expect, it } from 'vitest'
import { Sessions, type Claimant } from '../../src/callout/sessions.ts'
import type { Verified } from '../../src/callout/verify.ts'
import { GatehouseError } from '../../src/errors.ts'
import { createToken } from '../../src/keys/token.ts'
import { OpenSessions } from '../../src/sessions/open-sessions.ts'
import type { Session, SessionId } from '../../src/sessions/session.ts'
import { aSession } from '../sessions/sessions.ts'
import { anAccount, aToken, aUser, NOW_MS } from '../support/requests.ts'

const account = anAccount({ limits: { sessionsPerUser: 2 } })
const user = aUser({ account: account.id, id: 'U1' })
const held = (id: string) => ({ ...aToken(createToken()), id })
const [one, other] = [held('ONE'), held('OTHER')]

/** A request of connection `id`, as far as sessions look at it. */
const knock = (id: number, kind = 'Client') =>
  ({ claims: { nats: { server_id: { id: 'S' }, client_info: { id, kind } } } }) as Verified

const LONG_AGO = new Date(NOW_MS - 60_000).toISOString()
const session = (cid: number, more: Partial<Session> = {}): Session =>
  aSession({ server: 'S', cid, user: user.id, credential: one.id, since: LONG_AGO, ...more })

interface Knock extends Partial<Claimant> {
  readonly nowMs?: number
  readonly kind?: string
}

/** The ledger has all of these, and the servers show those that are `live`. */
function doorWith(recorded: readonly Session[], live = recorded.map(({ cid }) => cid)) {
  const open = new OpenSessions()
  for (const each of recorded) open.add(each)
  const shown = new Set(live.map((id): SessionId => `S.${id}`))
  const closed = new Set<SessionId>()
  const asked: string[] = []
  const sessions = new Sessions((of, name, state) => {
    asked.push(`${of} ${name} ${state}`)
    return Promise.resolve(state === 'open' ? shown : closed)
  }, open)
  const claim = (id: number, { nowMs = NOW_MS, kind, ...who }: Knock = {}) =>
    sessions.claim({ account, user, credential: one, grant: {}, ...who }, knock(id, kind), nowMs)
  const reason = async (id: number, facts?: Knock) => (await claim(id, facts))?.reason
  return { open, shown, closed, asked, claim, reason }
}

describe('the sessions of a user', () => {
  it('are counted at once where there is room', () => {
    const { claim, asked } = doorWith([session(1)])
    expect(claim(2)).toBeUndefined()
    expect(asked).toEqual([])
  })

  it('are asked for before somebody is refused', async () => {
    const { reason, asked } = doorWith([session(1), session(2)])
    expect(await reason(3)).toBe('too_many_sessions')
    expect(asked).toEqual([`${account.id} ${user.name} open`])
  })

  it('that are gone keep nobody out, whatever the ledger says', async () => {
    const { reason } = doorWith([session(1), session(2)], [1])
    expect(await reason(3)).toBeUndefined()
    expect(await reason(4)).toBe('too_many_sessions')
  })

  it('that the ledger does not know count as well', async () => {
    const { reason } = doorWith([session(1), session(2)], [1, 9])
    expect(await reason(3)).toBe('too_many_sessions')
  })

  it('that are on their way count, here and from another replica, until they have gone', async () => {
    const justNow = new Date(NOW_MS - 500).toISOString()
    const { reason, closed } = doorWith([session(1, { since: justNow })], [])
    expect(await reason(2)).toBeUndefined()
    expect(await reason(3)).toBe('too_many_sessions')
    closed.add('S.1')
    expect(await reason(4)).toBeUndefined()
    expect(await reason(5)).toBe('too_many_sessions')
    closed.add('S.2')
    expect(await reason(6)).toBeUndefined()
  })

  it('that never arrived are forgotten', async () => {
    const { reason } = doorWith([])
    expect([await reason(1), await reason(2), await reason(3)]).toEqual([
      undefined,
      undefined,
      'too_many_sessions',
    ])
    expect(await reason(4, { nowMs: NOW_MS + 1_999 })).toBe('too_many_sessions')
    expect(await reason(5, { nowMs: NOW_MS + 2_000 })).toBeUndefined()
  })

  it('count once when the ledger knows of them too', async () => {
    const { open, shown, reason } = doorWith([])
    expect(await reason(1)).toBeUndefined()
    open.add(session(1))
    shown.add('S.1')
    expect(await reason(2)).toBeUndefined()
  })

  it('are counted for each user alone', async () => {
    const { reason } = doorWith([session(1), session(2)])
    expect(await reason(3, { user: { ...user, id: 'U2' } })).toBeUndefined()
  })

  it('that knock at once get as many places as there are', async () => {
    const { reason } = doorWith([])
    const reasons = await Promise.all([1, 2, 3, 4].map((id) => reason(id)))
    expect(reasons).toEqual([undefined, undefined, 'too_many_sessions', 'too_many_sessions'])
  })

  it('are as many as the strictest of the account and the policies allows', async () => {
    for (const [sessionsPerUser, sessions, most] of [
      [3, 2, 2],
      [2, 3, 2],
      [undefined, 2, 2],
      [3, undefined, 3],
    ]) {
      const { reason } = doorWith([])
      const who = { account: anAccount({ limits: { sessionsPerUser } }), grant: { sessions } }
      const reasons = []
      for (const id of [1, 2, 3, 4]) reasons.push(await reason(id, who))
      expect(reasons.filter((each) => each === undefined)).toHaveLength(most!)
    }
  })

  it('are not looked at where there is no limit, nor for a leaf node, and leaf nodes do not count', async () => {
    const leaf = session(1, { client: { kind: 'Leafnode' } })
    const { asked, reason, claim } = doorWith([leaf, session(2), session(3)], [2])
    expect(claim(9, { account: anAccount({}) })).toBeUndefined()
    expect(claim(9, { kind: 'Leafnode' })).toBeUndefined()
    expect(asked).toEqual([])
    expect(await reason(4)).toBeUndefined()
  })

  it('nobody can count let nobody in who has no room by the ledger, and hold no place', async () => {
    let isThere = false
    const open = new OpenSessions()
    for (const cid of [1, 2]) open.add(session(cid))
    const sessions = new Sessions(
      () =>
        isThere ? Promise.resolve(new Set()) : Promise.reject(new GatehouseError('unavailable', 'no server')),
      open,
    )
    const claim = (id: number) =>
      sessions.claim({ account, user, credential: one, grant: {} }, knock(id), NOW_MS)
    const denials = await Promise.all([3, 4, 5].map(async (id) => (await claim(id))?.reason))
    expect(denials).toEqual(['sessions_unknown', 'sessions_unknown', 'sessions_unknown'])
    isThere = true
    expect(await claim(6)).toBeUndefined()
  })
})

describe('the sessions of a credential', () => {
  const grant = { sessionsPerCredential: 1 }
  const unlimited = { account: anAccount({}), grant }

  it('are counted apart', async () => {
    const { reason } = doorWith([session(1)])
    expect(await reason(2, unlimited)).toBe('too_many_sessions')
    expect(await reason(3, { ...unlimited, credential: other })).toBeUndefined()
    expect(await reason(4, { ...unlimited, credential: other })).toBe('too_many_sessions')
  })

  it('that are gone keep nobody out', async () => {
    const { reason } = doorWith([session(1)], [])
    expect(await reason(2, unlimited)).toBeUndefined()
  })
})

describe('where the newest stay', () => {
  const grant = { keepSessions: 'newest' } as const

  it('whoever comes is let in, without a question', () => {
    const { claim, asked } = doorWith([session(1), session(2)])
    expect(claim(3, { grant })).toBeUndefined()
    expect(claim(4, { grant: { ...grant, sessionsPerCredential: 1 } })).toBeUndefined()
    expect(asked).toEqual([])
  })

  it('nobody comes where there is no place at all', async () => {
    const { reason } = doorWith([])
    const none = anAccount({ limits: { sessionsPerUser: 0 } })
    expect(await reason(1, { account: none, grant })).toBe('too_many_sessions')
  })
})
