import { describe, expect, it } from 'vitest'
import { policy, type CreatePolicy, type PolicyCommand, type PolicyEvent } from '../../src/domain/policy.ts'
import { AT, LATER, specify } from './given.ts'

const { given, after } = specify(policy)

const permissions = {
  publish: { allow: ['orders.>'], deny: ['orders.delete'] },
  subscribe: { allow: [], deny: [] },
}
const wider = { ...permissions, publish: { allow: ['>'], deny: [] } }
const create: CreatePolicy = {
  type: 'policy.create',
  id: 'P1',
  name: 'developer',
  scope: 'operator',
  description: 'Works with orders.',
  permissions,
  limits: {},
  delegable: false,
  at: AT,
}
const created: PolicyEvent = { ...create, type: 'policy.created', version: 1 }

const changes = {
  permissions: {
    command: { type: 'policy.update-permissions', permissions: wider, at: LATER },
    event: { type: 'policy.permissions_updated', old: permissions, new: wider, version: 2, at: LATER },
    state: { permissions: wider, version: 2 },
  },
  limits: {
    command: { type: 'policy.update-limits', limits: { lifetimeSeconds: 60 }, at: LATER },
    event: { type: 'policy.limits_updated', old: {}, new: { lifetimeSeconds: 60 }, version: 2, at: LATER },
    state: { limits: { lifetimeSeconds: 60 }, version: 2 },
  },
  name: {
    command: { type: 'policy.rename', name: 'engineer', at: LATER },
    event: { type: 'policy.renamed', old: 'developer', new: 'engineer', version: 2, at: LATER },
    state: { name: 'engineer', version: 2 },
  },
  delegability: {
    command: { type: 'policy.set-delegable', delegable: true, at: LATER },
    event: { type: 'policy.delegable_set', old: false, new: true, version: 2, at: LATER },
    state: { delegable: true, version: 2 },
  },
  description: {
    command: { type: 'policy.set-description', description: 'Builds.', at: LATER },
    event: {
      type: 'policy.description_set',
      old: 'Works with orders.',
      new: 'Builds.',
      version: 2,
      at: LATER,
    },
    state: { description: 'Builds.', version: 2 },
  },
} as const satisfies Record<string, { command: PolicyCommand; event: PolicyEvent; state: object }>

describe('a policy', () => {
  it('is created as version 1', () => {
    expect(given().when(create)).toEqual([created])
    const { type: _type, at: _at, ...facts } = create
    expect(after(created)).toEqual({ ...facts, status: 'present', version: 1, createdAt: AT })
  })

  it('is created once', () => {
    expect(given(created).whenRefused(create)).toBe('already_exists')
  })

  it('counts every change, whatever it is of', () => {
    const first = changes.permissions.event
    const [second] = given(created, first).when(changes.limits.command)
    expect(second).toMatchObject({ type: 'policy.limits_updated', version: 3 })
    expect(after(created, first, second!)).toMatchObject({ version: 3, permissions: wider })
  })
})

describe('a policy that is deleted', () => {
  it('is as if it had never been', () => {
    const deleted: PolicyEvent = { type: 'policy.deleted', at: LATER }
    const remove: PolicyCommand = { type: 'policy.delete', at: LATER }
    expect(given(created).when(remove)).toEqual([deleted])
    expect(after(created, deleted)).toEqual(after())
    expect(given(created, deleted).whenRefused(remove)).toBe('not_found')
    expect(given(created, deleted).when(create)).toEqual([created])
  })
})

describe.each(Object.entries(changes))('the %s of a policy', (_, { command, event, state }) => {
  it('change, and the event tells what was', () => {
    expect(given(created).when(command)).toEqual([event])
    expect(after(created, event)).toEqual({ ...after(created), ...state })
  })

  it('do not count as changed when they are so already', () => {
    expect(given(created, event).when(command)).toEqual([])
  })

  it('cannot change before there is a policy', () => {
    expect(given().whenRefused(command)).toBe('not_found')
    expect(after(event)).toEqual(after())
  })
})
