import { describe, expect, it } from 'vitest'
import { Sessions, type SessionId } from '../../src/callout/sessions.ts'
import type { Verified } from '../../src/callout/verify.ts'
import { GatehouseError } from '../../src/errors.ts'
import { anAccount, aUser, NOW_MS } from '../support/requests.ts'

const account = anAccount({ limits: { sessionsPerUser: 2 } })
const user = aUser({ account: account.id, id: 'U1' })
const grant = {}

/** A request of connection `id`, as far as sessions look at it. */
const knock = (id: number, kind = 'Client') =>
  ({ claims: { nats: { server_id: { id: 'S' }, client_info: { id, kind } } } }) as Verified

function open(live: readonly number[]) {
  const shown = new Set<SessionId>(live.map((id): SessionId => `S ${id}`))
  const asked: string[] = []
  const closed = new Set<SessionId>()
  const sessions = new Sessions((account, name, state) => {
    asked.push(`${account} ${name}`)
    return Promise.resolve(state === 'open' ? shown : closed)
  })
  const reason = async (id: number, facts: { nowMs?: number; kind?: string; who?: typeof user } = {}) => {
    const { nowMs = NOW_MS, kind, who = user } = facts
    return (await sessions.claim({ account, user: who, grant }, knock(id, kind), nowMs))?.reason
  }
  return { shown, closed, asked, sessions, reason }
}

describe('the sessions of a user', () => {
  it('are those the servers show and those on their way, each once', async () => {
    const { shown, asked, reason } = open([1])
    expect(await reason(2)).toBeUndefined()
    expect(await reason(3)).toBe('too_many_sessions')
    shown.add('S 2') // It has arrived.
    expect(await reason(4)).toBe('too_many_sessions')
    shown.delete('S 1')
    expect(await reason(5)).toBeUndefined()
    expect(new Set(asked)).toEqual(new Set([`${account.id} ${user.name}`]))
  })

  it('that have gone before anybody saw them leave their place', async () => {
    const { closed, reason } = open([1])
    expect([await reason(2), await reason(3)]).toEqual([undefined, 'too_many_sessions'])
    closed.add('S 2')
    expect([await reason(4), await reason(5)]).toEqual([undefined, 'too_many_sessions'])
  })

  it('that never arrived are forgotten', async () => {
    const { reason } = open([])
    expect([await reason(1), await reason(2), await reason(3)]).toEqual([
      undefined,
      undefined,
      'too_many_sessions',
    ])
    expect(await reason(4, { nowMs: NOW_MS + 1_999 })).toBe('too_many_sessions')
    expect(await reason(5, { nowMs: NOW_MS + 2_000 })).toBeUndefined()
  })

  it('are counted for each user alone', async () => {
    const { reason } = open([])
    const other = { ...user, id: 'U2' }
    for (const id of [1, 2]) expect(await reason(id)).toBeUndefined()
    for (const id of [3, 4]) expect(await reason(id, { who: other })).toBeUndefined()
  })

  it('that knock at once get as many places as there are', async () => {
    const { reason } = open([])
    const reasons = await Promise.all([1, 2, 3, 4].map((id) => reason(id)))
    expect(reasons).toEqual([undefined, undefined, 'too_many_sessions', 'too_many_sessions'])
  })

  it('are as many as the strictest of the account and the policies allows', async () => {
    for (const [sessionsPerUser, ofPolicies, most] of [
      [3, 2, 2],
      [2, 3, 2],
      [undefined, 2, 2],
      [3, undefined, 3],
    ]) {
      const { sessions } = open([])
      const who = {
        account: anAccount({ limits: { sessionsPerUser } }),
        user,
        grant: { sessions: ofPolicies },
      }
      const denials = []
      for (const id of [1, 2, 3, 4]) denials.push(await sessions.claim(who, knock(id), NOW_MS))
      expect(denials.filter((denial) => denial === undefined)).toHaveLength(most!)
    }
  })

  it('are not asked for where there is no limit, nor for a leaf node', async () => {
    const { asked, sessions, reason } = open([1, 2, 3])
    const unlimited = anAccount({})
    expect(await sessions.claim({ account: unlimited, user, grant }, knock(9), NOW_MS)).toBeUndefined()
    expect(await reason(9, { kind: 'Leafnode' })).toBeUndefined()
    expect(asked).toEqual([])
  })

  it('nobody can count let nobody in, and hold no place', async () => {
    let isThere = false
    const sessions = new Sessions(() =>
      isThere ? Promise.resolve(new Set()) : Promise.reject(new GatehouseError('unavailable', 'no server')),
    )
    const knocks = [1, 2, 3].map((id) => sessions.claim({ account, user, grant }, knock(id), NOW_MS))
    for (const denial of await Promise.all(knocks)) expect(denial?.reason).toBe('sessions_unknown')
    isThere = true
    expect(await sessions.claim({ account, user, grant }, knock(4), NOW_MS)).toBeUndefined()
  })
})
