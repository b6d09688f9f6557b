import { describe, expect, it } from 'vitest'
import {
  CREDENTIALS_MAX,
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
  assigned: {
    before: [],
    command: { type: 'user.assign-policy', policy: 'P2', at: LATER },
    event: { type: 'user.policy_assigned', policy: 'P2', at: LATER },
    state: { policies: ['P1', 'P2'] },
  },
  removed: {
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
} as const satisfies Record<
  string,
  { before: readonly UserEvent[]; command: UserCommand; event: UserEvent; state: object }
>

describe('a user', () => {
  it('is registered without any credential', () => {
    expect(given().when(create)).toEqual([registered])
    const { type: _type, at: _at, ...facts } = create
    expect(after(registered)).toEqual({ ...facts, status: 'active', credentials: [], createdAt: AT })
  })

  it('is registered once', () => {
    expect(given(registered).whenRefused(create)).toBe('already_exists')
  })
})

describe.each(Object.entries(changes))('a policy or fact is %s', (_, { before, command, event, state }) => {
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
    expect(given(registered, ...most).whenRefused(add('new'))).toBe('invalid_request')
  })

  it('is of nobody who is not there', () => {
    expect(given().whenRefused(add('C1'))).toBe('not_found')
    expect(after(added('C1'))).toEqual(after())
  })
})
