import { z } from 'zod'
import { KEEP_SESSIONS, type PolicyEvent } from '../domain/policy.ts'
import type { RoleEvent } from '../domain/role.ts'
import { DAYS } from '../domain/window.ts'
import { change, count, permissions, text, texts, type EventDefinition } from './event-schema.ts'

/** What happens to policies and roles. */

const POLICY = '01K9ZC6WDCB1QZ1MV3Y8Q8Y1M5'
const ROLE = '01K9ZC70QH4C4SW30G9V5XX5NC'

const aPolicy = { policyId: text('The id of the policy.'), name: text('Its name.') }
const version = count('The version that this made, from 1.')
const example = { policyId: POLICY, name: 'developer' }

const limits = z
  .strictObject({
    lifetimeSeconds: z.number().optional(),
    sources: z.array(z.string()).optional(),
    connectionTypes: z.array(z.string()).optional(),
    windows: z
      .array(
        z.strictObject({
          zone: z.string(),
          start: z.string(),
          end: z.string(),
          days: z.array(z.enum(DAYS)).optional(),
        }),
      )
      .optional(),
    sessions: z.number().optional(),
    sessionsPerCredential: z.number().optional(),
    keepSessions: z.enum(KEEP_SESSIONS).optional(),
  })
  .describe(
    'How long connections last, where from, how and when they may be made, and how many. What is absent is not limited.',
  )
const delegable = z.boolean().describe('May the admins of an account hand it on?')
const granted = { publish: { allow: ['orders.>'], deny: [] }, subscribe: { allow: ['orders.>'], deny: [] } }
const nothing = { publish: { allow: [], deny: [] }, subscribe: { allow: [], deny: [] } }

export const policyEvents = {
  'policy.created': {
    when: 'A policy was made.',
    data: {
      ...aPolicy,
      id: text('The same as `policyId`.'),
      scope: text('`operator`, or the A… key of the account it belongs to.'),
      description: text('What it is for.').optional(),
      permissions,
      limits,
      delegable,
      version,
    },
    example: {
      ...example,
      id: POLICY,
      scope: 'operator',
      permissions: granted,
      limits: {},
      delegable: false,
      version: 1,
    },
  },
  'policy.permissions_updated': {
    when: 'What it allows and denies changed.',
    data: { ...aPolicy, ...change(permissions), version },
    example: { ...example, old: nothing, new: granted, version: 2 },
  },
  'policy.limits_updated': {
    when: 'Its limits changed.',
    data: { ...aPolicy, ...change(limits), version },
    example: { ...example, old: {}, new: { lifetimeSeconds: 3_600 }, version: 2 },
  },
  'policy.renamed': {
    when: 'It got another name.',
    data: { ...aPolicy, ...change(z.string()), version },
    example: { ...example, old: 'dev', new: 'developer', version: 2 },
  },
  'policy.delegable_set': {
    when: 'It was said whether the admins of an account may hand it on.',
    data: { ...aPolicy, ...change(z.boolean()), version },
    example: { ...example, old: false, new: true, version: 2 },
  },
  'policy.description_set': {
    when: 'It was said anew what it is for.',
    data: { ...aPolicy, ...change(z.string()), version },
    example: { ...example, new: 'Works with orders.', version: 2 },
  },
  'policy.rolled_back': {
    when: 'It means again what it meant at an earlier version.',
    data: {
      ...aPolicy,
      to: count('The version whose meaning it has again.'),
      ...change(z.strictObject({ permissions, limits, delegable })),
      version,
    },
    example: {
      ...example,
      to: 1,
      old: { permissions: nothing, limits: {}, delegable: false },
      new: { permissions: granted, limits: {}, delegable: false },
      version: 3,
    },
  },
  'policy.deleted': { when: 'It was deleted.', data: aPolicy, example },
} satisfies Readonly<Record<PolicyEvent['type'], EventDefinition>>

const aRole = { roleId: text('The id of the role.'), name: text('Its name.') }
const policies = texts('Ids of policies.')
const within = texts('Ids of the roles within it.')

export const roleEvents = {
  'role.created': {
    when: 'A role was made.',
    data: {
      ...aRole,
      id: text('The same as `roleId`.'),
      scope: text('`operator`, or the A… key of the account it belongs to.'),
      description: text('What it is for.').optional(),
      policies,
      roles: within.optional(),
    },
    example: { roleId: ROLE, name: 'engineer', id: ROLE, scope: 'operator', policies: [POLICY] },
  },
  'role.updated': {
    when: 'Its policies changed, or the roles within it.',
    data: {
      ...aRole,
      ...change(policies),
      roles: z
        .strictObject({ old: within, new: within })
        .optional()
        .describe('The roles within it, where they changed.'),
    },
    example: { roleId: ROLE, name: 'engineer', old: [], new: [POLICY] },
  },
  'role.description_set': {
    when: 'It was said anew what it is for.',
    data: { ...aRole, ...change(z.string()) },
    example: { roleId: ROLE, name: 'engineer', new: 'Works with orders.' },
  },
  'role.deleted': { when: 'It was deleted.', data: aRole, example: { roleId: ROLE, name: 'engineer' } },
} satisfies Readonly<Record<RoleEvent['type'], EventDefinition>>
