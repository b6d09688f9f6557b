import { GatehouseError } from '../errors.ts'
import { ABSENT, type Absent, type Decider } from './decider.ts'
import type { PolicyScope } from './policy.ts'
import { same } from './same.ts'

/** A named set of policies: what somebody does here, given as one. */
export interface Role {
  readonly status: 'present'
  readonly id: string
  readonly name: string
  readonly scope: PolicyScope
  readonly description?: string | undefined
  /** Ids of policies. */
  readonly policies: readonly string[]
  readonly createdAt: string
}

export type RoleState = Absent | Role

export interface CreateRole extends Omit<Role, 'status' | 'createdAt'> {
  readonly type: 'role.create'
  readonly at: string
}

export type RoleCommand =
  | CreateRole
  | { readonly type: 'role.update'; readonly policies: readonly string[]; readonly at: string }
  | { readonly type: 'role.set-description'; readonly description?: string | undefined; readonly at: string }
  | { readonly type: 'role.delete'; readonly at: string }

export type RoleEvent =
  | (Omit<CreateRole, 'type'> & { readonly type: 'role.created' })
  | {
      readonly type: 'role.updated'
      readonly old: readonly string[]
      readonly new: readonly string[]
      readonly at: string
    }
  | {
      readonly type: 'role.description_set'
      readonly old?: string | undefined
      readonly new?: string | undefined
      readonly at: string
    }
  | { readonly type: 'role.deleted'; readonly at: string }

function decide(state: RoleState, command: RoleCommand): readonly RoleEvent[] {
  if (command.type === 'role.create') {
    if (state.status !== 'absent')
      throw new GatehouseError('already_exists', `role "${state.name}" already exists`)
    return [{ ...command, type: 'role.created' }]
  }
  if (state.status === 'absent') throw new GatehouseError('not_found', 'role does not exist')
  const { at } = command
  switch (command.type) {
    case 'role.update':
      if (same(state.policies, command.policies)) return []
      return [{ type: 'role.updated', old: state.policies, new: command.policies, at }]
    case 'role.set-description':
      if (state.description === command.description) return []
      return [{ type: 'role.description_set', old: state.description, new: command.description, at }]
    case 'role.delete':
      return [{ type: 'role.deleted', at }]
  }
}

function evolve(state: RoleState, event: RoleEvent): RoleState {
  if (event.type === 'role.created') {
    const { type: _type, at, ...facts } = event
    return { ...facts, status: 'present', createdAt: at }
  }
  if (state.status === 'absent') return state
  switch (event.type) {
    case 'role.updated':
      return { ...state, policies: event.new }
    case 'role.description_set':
      return { ...state, description: event.new }
    case 'role.deleted':
      return ABSENT
  }
}

export const role: Decider<RoleState, RoleCommand, RoleEvent> = { initial: ABSENT, decide, evolve }
