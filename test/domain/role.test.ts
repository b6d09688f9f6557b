import { describe, expect, it } from 'vitest'
import { role, type CreateRole, type RoleCommand, type RoleEvent } from '../../src/domain/role.ts'
import { AT, LATER, specify } from './given.ts'

const { given, after } = specify(role)

const create: CreateRole = {
  type: 'role.create',
  id: 'R1',
  name: 'clerk',
  scope: 'operator',
  description: 'Takes orders.',
  policies: ['P1', 'P2'],
  at: AT,
}
const created: RoleEvent = { ...create, type: 'role.created' }
const update = (...policies: string[]): RoleCommand => ({ type: 'role.update', policies, at: LATER })
const updated: RoleEvent = { type: 'role.updated', old: ['P1', 'P2'], new: ['P3'], at: LATER }
const remove: RoleCommand = { type: 'role.delete', at: LATER }
const deleted: RoleEvent = { type: 'role.deleted', at: LATER }

describe('a role', () => {
  it('is created with its policies, once', () => {
    expect(given().when(create)).toEqual([created])
    const { type: _type, at: _at, ...facts } = create
    expect(after(created)).toEqual({ ...facts, status: 'present', createdAt: AT })
    expect(given(created).whenRefused(create)).toBe('already_exists')
  })

  it('changes its policies, and the event tells what they were', () => {
    expect(given(created).when(update('P3'))).toEqual([updated])
    expect(after(created, updated)).toEqual({ ...after(created), policies: ['P3'] })
    expect(given(created, updated).when(update('P3'))).toEqual([])
  })

  it('changes what it says it is for, and can say nothing', () => {
    const say = (description?: string): RoleCommand => ({
      type: 'role.set-description',
      description,
      at: LATER,
    })
    const said: RoleEvent = { type: 'role.description_set', old: 'Takes orders.', new: undefined, at: LATER }
    expect(given(created).when(say())).toEqual([said])
    expect(after(created, said)).toEqual({ ...after(created), description: undefined })
    expect(given(created).when(say('Takes orders.'))).toEqual([])
    expect(given().whenRefused(say())).toBe('not_found')
  })

  it('is deleted as if it had never been', () => {
    expect(given(created).when(remove)).toEqual([deleted])
    expect(after(created, deleted)).toEqual(after())
    expect(given(created, deleted).when(create)).toEqual([created])
  })

  it('cannot change before there is one', () => {
    expect(given().whenRefused(update())).toBe('not_found')
    expect(given().whenRefused(remove)).toBe('not_found')
    expect(after(updated)).toEqual(after())
  })
})
