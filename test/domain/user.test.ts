import { describe, expect, it } from 'vitest'
import {
  CREDENTIALS_MAX,
  statusOf,
  user,
  type CreateUser,
  type Credential,
  type UserCommand,
  type UserEvent,
} from '../../src/domain/user.ts'
import { AT, LATER, specify } from './given.ts'

const { given, after } = specify(user)

const create: CreateUser = {
  type: 'user.create',
  id: 'U1',
  account: 'AORDERS',
  name: 'alice@example.com',
  policies: ['P1'],
  roles: [],
  metadata: { region: 'eu' },
  at: AT,
}
const registered: UserEvent = { ...create, type: 'user.registered' }
const credential: Credential = { id: 'C1', kind: 'token', hash: 'ab12', createdAt: AT }
const add = (id: string): UserCommand => ({
  type: 'user.add-credential',
  credential: { ...credential, id },
  at: LATER,
})
const added = (id: string): UserEvent => ({
  type: 'user.credential_added',
  credential: { ...credential, id },
  at: LATER,
})

const changes = {
  'given a policy': {
    before: [],
    command: { type: 'user.assign-policy', policy: 'P2', at: LATER },
    event: { type: 'user.policy_assigned', policy: 'P2', at: LATER },
    state: { policies: ['P1', 'P2'] },
  },
  'rid of a policy': {
    before: [{ type: 'user.policy_assigned', policy: 'P2', at: LATER }],
    command: { type: 'user.remove-policy', policy: 'P1', at: LATER },
    event: { type: 'user.policy_removed', policy: 'P1', at: LATER },
    state: { policies: ['P2'] },
  },
  described: {
    before: [],
    command: { type: 'user.update-metadata', metadata: { region: 'us' }, at: LATER },
    event: { type: 'user.metadata_updated', old: { region: 'eu' }, new: { region: 'us' }, at: LATER },
    state: { metadata: { region: 'us' } },
  },
  'given a role': {
    before: [{ type: 'user.role_assigned', role: 'R1', at: AT }],
    command: { type: 'user.assign-role', role: 'R2', at: LATER },
    event: { type: 'user.role_assigned', role: 'R2', at: LATER },
    state: { roles: ['R1', 'R2'] },
  },
  'rid of a role': {
    before: ['R1', 'R2'].map((role) => ({ type: 'user.role_assigned', role, at: AT }) as const),
    command: { type: 'user.remove-role', role: 'R1', at: LATER },
    event: { type: 'user.role_removed', role: 'R1', at: LATER },
    state: { roles: ['R2'] },
  },
  locked: {
    before: [],
    command: { type: 'user.lock', reason: 'lost laptop', at: LATER },
    event: { type: 'user.locked', reason: 'lost laptop', at: LATER },
    state: { lock: { reason: 'lost laptop', since: LATER } },
  },
  unlocked: {
    before: [{ type: 'user.locked', reason: 'lost laptop', at: AT }],
    command: { type: 'user.unlock', at: LATER },
    event: { type: 'user.unlocked', at: LATER },
    state: { lock: undefined },
  },
  'given an end': {
    before: [],
    command: { type: 'user.set-expiry', expiresAt: '2027-01-01T00:00:00Z', at: LATER },
    event: { type: 'user.expiry_set', old: undefined, new: '2027-01-01T00:00:00Z', at: LATER },
    state: { expiresAt: '2027-01-01T00:00:00Z' },
  },
  'rid of its end': {
    before: [{ type: 'user.expiry_set', new: '2027-01-01T00:00:00Z', at: AT }],
    command: { type: 'user.set-expiry', at: LATER },
    event: { type: 'user.expiry_set', old: '2027-01-01T00:00:00Z', new: undefined, at: LATER },
    state: { expiresAt: undefined },
  },
} as const satisfies Record<
  string,
  { before: readonly UserEvent[]; command: UserCommand; event: UserEvent; state: object }
>

describe('a user', () => {
  it('is registered without any credential', () => {
    expect(given().when(create)).toEqual([registered])
    const { type: _type, at: _at, ...facts } = create
    expect(after(registered)).toEqual({ ...facts, status: 'present', credentials: [], createdAt: AT })
  })

  it('is registered once', () => {
    expect(given(registered).whenRefused(create)).toBe('already_exists')
  })
})

describe.each(Object.entries(changes))('a user is %s', (_, { before, command, event, state }) => {
  it('and the event tells it', () => {
    expect(given(registered, ...before).when(command)).toEqual([event])
    expect(after(registered, ...before, event)).toEqual({ ...after(registered), ...state })
  })

  it('once', () => {
    expect(given(registered, ...before, event).when(command)).toEqual([])
  })

  it('never of a user who is not there', () => {
    expect(given().whenRefused(command)).toBe('not_found')
    expect(after(event)).toEqual(after())
  })
})

describe('a credential of a user', () => {
  it('is added to those there are', () => {
    expect(given(registered, added('C1')).when(add('C2'))).toEqual([added('C2')])
    expect(after(registered, added('C1'), added('C2'))).toMatchObject({
      credentials: [{ id: 'C1' }, { id: 'C2' }],
    })
  })

  it('is not replaced by another of the same id', () => {
    expect(given(registered, added('C1')).whenRefused(add('C1'))).toBe('already_exists')
  })

  it(`is one of ${CREDENTIALS_MAX} at most`, () => {
    const most = Array.from({ length: CREDENTIALS_MAX }, (_, i) => added(`C${i}`))
    expect(given(registered, ...most.slice(1)).when(add('new'))).toEqual([added('new')])
    expect(given(registered, ...most).whenRefused(add('new'))).toBe('limit_reached')
  })

  it('is of nobody who is not there', () => {
    expect(given().whenRefused(add('C1'))).toBe('not_found')
    expect(after(added('C1'))).toEqual(after())
  })
})

describe('a credential that is revoked', () => {
  const revoke = (id: string): UserCommand => ({
    type: 'user.revoke-credential',
    credential: id,
    reason: 'leaked',
    at: LATER,
  })
  const revoked: UserEvent = { type: 'user.credential_revoked', credential, reason: 'leaked', at: LATER }

  it('is gone, and the others stay', () => {
    expect(given(registered, added('C1'), added('C2')).when(revoke('C1'))).toEqual([revoked])
    expect(after(registered, added('C1'), added('C2'), revoked)).toEqual(after(registered, added('C2')))
  })

  it('cannot be revoked again, and whoever tries is told', () => {
    expect(given(registered, added('C1'), revoked).whenRefused(revoke('C1'))).toBe('not_found')
    expect(given().whenRefused(revoke('C1'))).toBe('not_found')
    expect(after(revoked)).toEqual(after())
  })

  it('makes room for another', () => {
    const most = Array.from({ length: CREDENTIALS_MAX }, (_, i) => added(`C${i}`))
    expect(given(registered, ...most, revoked).when(add('new'))).toEqual([added('new')])
  })
})

describe('a user who is deleted', () => {
  const deleted: UserEvent = { type: 'user.deleted', at: LATER }
  const remove: UserCommand = { type: 'user.delete', at: LATER }

  it('is as if it had never been', () => {
    expect(given(registered, added('C1')).when(remove)).toEqual([deleted])
    expect(after(registered, added('C1'), deleted)).toEqual(after())
    expect(given(registered, deleted).whenRefused(remove)).toBe('not_found')
    expect(given(registered, deleted).when(create)).toEqual([registered])
  })
})

describe('the status of a user', () => {
  const nowMs = Date.parse(LATER)
  const locked: UserEvent = { type: 'user.locked', reason: 'x', at: AT }
  const ends = (at: string): UserEvent => ({ type: 'user.expiry_set', new: at, at: AT })

  it.each<[status: string, of: UserEvent[]]>([
    ['active', []],
    ['active', [ends('2026-01-02T00:00:00.001Z')]],
    ['active', [ends('2026-01-02T00:00:01+00:00')]],
    ['expired', [ends(LATER)]],
    ['expired', [ends('2026-01-02T01:00:00+02:00')]],
    ['expired', [ends('one day')]],
    ['locked', [locked]],
    ['locked', [locked, ends(AT)]],
  ])('is %s after %j', (status, events) => {
    const state = after(registered, ...events)
    expect(state.status === 'present' && statusOf(state, nowMs)).toBe(status)
  })
})
