import { z } from 'zod'
import { accountExports, accountImports } from './exchange-fields.ts'
import { accountLimits, delegable, description, instant, metadata, name, permissions } from './fields.ts'
import { policyLimits } from './policy-limit-fields.ts'

/** The documents of `operator/`, `accounts/`, `policies/` and `roles/`: what should be, written by people. */

const policyNames = z.array(name).max(64).default([]).describe('Names of policies.')
const roleNames = z.array(name).max(64).default([]).describe('Names of roles.')
const owner = name.optional().describe('The account it belongs to. Absent: usable in every account.')
const expiresAt = instant
  .optional()
  .describe('From then on nobody may connect with it: 2027-01-31T12:00:00Z. Absent: never.')

const operatorDocument = z
  .strictObject({
    kind: z.literal('operator').describe('What this document declares.'),
    name: name.describe('The name of the operator.'),
    description,
  })
  .describe('The operator of this system.')

const userDocument = z.strictObject({
  name,
  policies: policyNames,
  roles: roleNames,
  metadata,
  expiresAt,
})

const accountDocument = z
  .strictObject({
    kind: z.literal('account').describe('What this document declares.'),
    name,
    description,
    limits: accountLimits,
    defaultPolicy: name
      .nullable()
      .optional()
      .describe('Applies to every user of the account. Absent: base. null: none.'),
    boundaryPolicy: name
      .optional()
      .describe('Caps everybody of the account: nothing outside it is ever granted. Absent: none.'),
    expiresAt,
    metadata,
    exports: accountExports.optional(),
    imports: accountImports.optional(),
    users: z.array(userDocument).max(10_000).default([]).describe('Who may connect to the account.'),
  })
  .describe('An account and the users declared in it.')

const policyDocument = z
  .strictObject({
    kind: z.literal('policy').describe('What this document declares.'),
    name,
    account: owner,
    description,
    ...permissions,
    limits: policyLimits,
    delegable,
  })
  .describe('A policy: named permissions and limits.')

const roleDocument = z
  .strictObject({
    kind: z.literal('role').describe('What this document declares.'),
    name,
    account: owner,
    description,
    policies: policyNames,
    roles: roleNames.describe('Names of the roles within it.'),
  })
  .describe('A role: a named set of policies, and of other roles with theirs.')

/** The schemas that editors complete and check with, by the name of their file in docs/schemas. */
export const documentSchemas = {
  operator: operatorDocument,
  account: accountDocument,
  policy: policyDocument,
  role: roleDocument,
}

export const anyDocument = z.discriminatedUnion('kind', [
  operatorDocument,
  accountDocument,
  policyDocument,
  roleDocument,
])

export type AnyDocument = z.output<typeof anyDocument>
export type OperatorDocument = z.output<typeof operatorDocument>
export type AccountDocument = z.output<typeof accountDocument>
export type UserDocument = z.output<typeof userDocument>
export type PolicyDocument = z.output<typeof policyDocument>
export type RoleDocument = z.output<typeof roleDocument>
