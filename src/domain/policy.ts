import { GatehouseError } from '../errors.ts'
import { ABSENT, type Absent, type Decider } from './decider.ts'
import { same } from './same.ts'
import type { SemanticPermission } from './semantic.ts'
import type { Window } from './window.ts'

/** Subjects of one direction. A deny wins over every allow. */
export interface SubjectRules {
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}

/** The right to answer requests on their reply subject without any allow for it (`resp`, reference B.2). */
export interface ResponsePermission {
  /** Replies to one request. */
  readonly max: number
  /** How long after the request, in milliseconds. */
  readonly ttlMs: number
}

/** Subjects may hold templates (`{{user.id}}`); subscribe entries may name a queue group (`events.> workers`). */
export interface Permissions {
  readonly publish: SubjectRules
  readonly subscribe: SubjectRules
  readonly responses?: ResponsePermission | undefined
  /** The same in the words of streams, buckets and services; entries.ts says which subjects that is. */
  readonly allow?: readonly SemanticPermission[] | undefined
  readonly deny?: readonly SemanticPermission[] | undefined
  /**
   * Where answers come in: `shared` gives the inbox that every client library uses unless told otherwise, and the
   * user's own beside it; `private` gives the own one alone and takes the shared one away, whoever else gives it.
   */
  readonly inbox?: 'shared' | 'private' | undefined
}

/** The kinds of connection nats-server knows (`allowed_connection_types`, reference B.2). */
export const CONNECTION_TYPES = [
  'STANDARD',
  'WEBSOCKET',
  'LEAFNODE',
  'LEAFNODE_WS',
  'MQTT',
  'MQTT_WS',
  'IN_PROCESS',
] as const
export type ConnectionType = (typeof CONNECTION_TYPES)[number]

/** As many connections of one user as one page of CONNZ shows. */
export const SESSIONS_MAX = 1_000

/** `oldest`: who comes to a full place is refused. `newest`: it is let in, and the oldest session ends. */
export const KEEP_SESSIONS = ['oldest', 'newest'] as const
export type KeepSessions = (typeof KEEP_SESSIONS)[number]

/** Limits of a policy that can be enforced for a callout user: architecture section 4. */
export interface PolicyLimits {
  /** A connection ends after this long and has to authenticate anew. Seconds. */
  readonly lifetimeSeconds?: number | undefined
  /** CIDRs the client may come from; absent means anywhere. */
  readonly sources?: readonly string[] | undefined
  readonly connectionTypes?: readonly ConnectionType[] | undefined
  /** One of them has to be open; absent means at any time. */
  readonly windows?: readonly Window[] | undefined
  /** Connections of one user at a time. */
  readonly sessions?: number | undefined
  /** Connections by one credential at a time. */
  readonly sessionsPerCredential?: number | undefined
  /** Which of them stay when there are more; absent is no word about it, and where nobody says a word it is `oldest`. */
  readonly keepSessions?: KeepSessions | undefined
}

/** Where a policy can be used: in every account (`operator`), or in the one account it belongs to (A…). */
export type PolicyScope = string
export const OPERATOR_SCOPE: PolicyScope = 'operator'

/** Named permissions and limits, with a version that counts their changes. */
export interface Policy {
  readonly status: 'present'
  readonly id: string
  readonly name: string
  readonly scope: PolicyScope
  readonly description?: string | undefined
  /** 1 when created. */
  readonly version: number
  readonly permissions: Permissions
  readonly limits: PolicyLimits
  /** May an account's own admins hand it on? Only to users of their account, and never more than they have. */
  readonly delegable: boolean
  readonly createdAt: string
}

export type PolicyState = Absent | Policy

/** What a policy meant at one version. Its name is not part of that: others know it by the one it has. */
export type PolicyMeaning = Pick<Policy, 'permissions' | 'limits' | 'delegable'>

/** A version that was, as it can be gone back to. */
export interface PolicyVersion extends PolicyMeaning {
  readonly version: number
}

/** Older versions than this many back are forgotten. */
export const POLICY_VERSIONS_MAX = 100

export interface CreatePolicy extends Omit<Policy, 'status' | 'version' | 'createdAt'> {
  readonly type: 'policy.create'
  readonly at: string
}

export type PolicyCommand =
  | CreatePolicy
  | { readonly type: 'policy.update-permissions'; readonly permissions: Permissions; readonly at: string }
  | { readonly type: 'policy.update-limits'; readonly limits: PolicyLimits; readonly at: string }
  | { readonly type: 'policy.rename'; readonly name: string; readonly at: string }
  | { readonly type: 'policy.set-delegable'; readonly delegable: boolean; readonly at: string }
  | {
      readonly type: 'policy.set-description'
      readonly description?: string | undefined
      readonly at: string
    }
  | { readonly type: 'policy.rollback'; readonly to: PolicyVersion; readonly at: string }
  | { readonly type: 'policy.delete'; readonly at: string }

interface Versioned<Value> {
  readonly old: Value
  readonly new: Value
  readonly version: number
  readonly at: string
}

export type PolicyEvent =
  | (Omit<CreatePolicy, 'type'> & { readonly type: 'policy.created'; readonly version: 1 })
  | ({ readonly type: 'policy.permissions_updated' } & Versioned<Permissions>)
  | ({ readonly type: 'policy.limits_updated' } & Versioned<PolicyLimits>)
  | ({ readonly type: 'policy.renamed' } & Versioned<string>)
  | ({ readonly type: 'policy.delegable_set' } & Versioned<boolean>)
  | ({ readonly type: 'policy.description_set' } & Versioned<string | undefined>)
  | ({
      readonly type: 'policy.rolled_back'
      /** The version whose meaning it has again. */ readonly to: number
    } & Versioned<PolicyMeaning>)
  | { readonly type: 'policy.deleted'; readonly at: string }

function decide(state: PolicyState, command: PolicyCommand): readonly PolicyEvent[] {
  if (command.type === 'policy.create') {
    if (state.status !== 'absent')
      throw new GatehouseError('already_exists', `policy "${state.name}" already exists`)
    return [{ ...command, type: 'policy.created', version: 1 }]
  }
  if (state.status === 'absent') throw new GatehouseError('not_found', 'policy does not exist')
  const { at } = command
  const version = state.version + 1
  switch (command.type) {
    case 'policy.update-permissions': {
      const { permissions } = command
      if (same(state.permissions, permissions)) return []
      return [{ type: 'policy.permissions_updated', old: state.permissions, new: permissions, version, at }]
    }
    case 'policy.update-limits': {
      const { limits } = command
      if (same(state.limits, limits)) return []
      return [{ type: 'policy.limits_updated', old: state.limits, new: limits, version, at }]
    }
    case 'policy.rename': {
      if (state.name === command.name) return []
      return [{ type: 'policy.renamed', old: state.name, new: command.name, version, at }]
    }
    case 'policy.set-delegable': {
      if (state.delegable === command.delegable) return []
      return [{ type: 'policy.delegable_set', old: state.delegable, new: command.delegable, version, at }]
    }
    case 'policy.set-description': {
      const { description } = command
      if (state.description === description) return []
      return [{ type: 'policy.description_set', old: state.description, new: description, version, at }]
    }
    case 'policy.rollback': {
      const [old, now] = [meaningOf(state), meaningOf(command.to)]
      if (same(old, now)) return []
      return [{ type: 'policy.rolled_back', to: command.to.version, old, new: now, version, at }]
    }
    case 'policy.delete':
      return [{ type: 'policy.deleted', at }]
  }
}

function meaningOf({ permissions, limits, delegable }: PolicyMeaning): PolicyMeaning {
  return { permissions, limits, delegable }
}

function evolve(state: PolicyState, event: PolicyEvent): PolicyState {
  if (event.type === 'policy.created') {
    const { type: _type, at, ...facts } = event
    return { ...facts, status: 'present', createdAt: at }
  }
  if (state.status === 'absent') return state
  switch (event.type) {
    case 'policy.permissions_updated':
      return { ...state, permissions: event.new, version: event.version }
    case 'policy.limits_updated':
      return { ...state, limits: event.new, version: event.version }
    case 'policy.renamed':
      return { ...state, name: event.new, version: event.version }
    case 'policy.delegable_set':
      return { ...state, delegable: event.new, version: event.version }
    case 'policy.description_set':
      return { ...state, description: event.new, version: event.version }
    case 'policy.rolled_back':
      return { ...state, ...event.new, version: event.version }
    case 'policy.deleted':
      return ABSENT
  }
}

export const policy: Decider<PolicyState, PolicyCommand, PolicyEvent> = { initial: ABSENT, decide, evolve }
