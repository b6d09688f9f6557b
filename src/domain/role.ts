import { GatehouseError } from '../errors.ts'
import { ABSENT, type Absent, type Decider } from './decider.ts'
import type { PolicyScope } from './policy.ts'
import { same } from './same.ts'

/** A named set of policies, and of other roles with theirs: what somebody does here, given as one. */
export interface Role {
  readonly status: 'present'
  readonly id: string
  readonly name: string
  readonly scope: PolicyScope
  readonly description?: string | undefined
  /** Ids of policies. */
  readonly policies: readonly string[]
  /** Ids of the roles within it. */
  readonly roles?: readonly string[] | undefined
  readonly createdAt: string
}

export type RoleState = Absent | Role

export interface CreateRole extends Omit<Role, 'status' | 'createdAt'> {
  readonly type: 'role.create'
  readonly at: string
}

export type RoleCommand =
  | CreateRole
  | {
      readonly type: 'role.update'
      readonly policies: readonly string[]
      /** Absent: they stay. */
      readonly roles?: readonly string[] | undefined
      readonly at: string
    }
  | { readonly type: 'role.set-description'; readonly description?: string | undefined; readonly at: string }
  | { readonly type: 'role.delete'; readonly at: string }

export type RoleEvent =
  | (Omit<CreateRole, 'type'> & { readonly type: 'role.created' })
  | {
      readonly type: 'role.updated'
      readonly old: readonly string[]
      readonly new: readonly string[]
      /** The roles within it, where they changed. */
      readonly roles?: { readonly old: readonly string[]; readonly new: readonly string[] } | undefined
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
    case 'role.update': {
      const { policies, roles = [] } = state
      const within = command.roles === undefined || same(roles, command.roles) ? undefined : command.roles
      if (within === undefined && same(policies, command.policies)) return []
      const inner = within && { roles: { old: roles, new: within } }
      return [{ type: 'role.updated', old: policies, new: command.policies, ...inner, at }]
    }
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
      return { ...state, policies: event.new, ...(event.roles && { roles: event.roles.new }) }
    case 'role.description_set':
      return { ...state, description: event.new }
    case 'role.deleted':
      return ABSENT
  }
}

export const role: Decider<RoleState, RoleCommand, RoleEvent> = { initial: ABSENT, decide, evolve }

/** So many roles may be within each other. */
export const ROLE_DEPTH_MAX = 8

/** A role as far as others are within it; by whatever the finder knows roles by. */
export interface Containing {
  readonly name: string
  readonly roles?: readonly string[] | undefined
}
type Find = (id: string) => Containing | undefined

/** A role that others are to be within, and how many roles are above it, each within the next. */
export interface Container {
  readonly id: string
  readonly name: string
  readonly above: number
}

/** Why a role cannot have another one within it, in words; `undefined` when it can. */
export function withinFault({ id, name, above }: Container, inner: string, find: Find): string | undefined {
  const way = wayTo(id, inner, { find, seen: new Set() })
  if (way !== undefined) return `"${name}" would contain itself: ${[name, ...way, name].join(' → ')}`
  return above + depthOf(inner, find) < ROLE_DEPTH_MAX
    ? undefined
    : `must not be more than ${ROLE_DEPTH_MAX} roles deep`
}

/** The names on the way from one role down to another, which is not among them. */
function wayTo(
  id: string,
  from: string,
  { find, seen }: { readonly find: Find; readonly seen: Set<string> },
): readonly string[] | undefined {
  if (from === id) return []
  const role = find(from)
  if (role === undefined || seen.has(from)) return undefined
  seen.add(from)
  for (const inner of role.roles ?? []) {
    const way = wayTo(id, inner, { find, seen })
    if (way !== undefined) return [role.name, ...way]
  }
  return undefined
}

/** How many roles are within each other there: 1 for one that has none within it. A way that comes back ends there. */
export function depthOf(id: string, find: Find, known = new Map<string, number>()): number {
  const depth = known.get(id)
  if (depth !== undefined) return depth
  known.set(id, 0)
  const within = (find(id)?.roles ?? []).map((inner) => depthOf(inner, find, known))
  known.set(id, Math.max(0, ...within) + 1)
  return known.get(id) ?? 0
}
