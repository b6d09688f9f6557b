import { z } from 'zod'
import type { Account } from '../domain/account.ts'
import type { Session } from '../sessions/session.ts'
import { accountReference } from './account.ts'
import type { Scene } from './command.ts'
import { boundOf } from './delegation.ts'
import { name } from './fields.ts'
import { accountNamed, ifThere, policyNamed, userNamed } from './lookup.ts'

/** Which sessions are meant: every word narrows it, and who asks sees no others than those of its own account. */
export const selecting = {
  account: accountReference
    .optional()
    .describe('In that account. Absent: in your own; for admins of the system, in any.'),
  user: name.optional().describe('Of the user of that name, deleted or not.'),
  credential: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Let in by the credential of that id, revoked or not.'),
  policy: name
    .optional()
    .describe('With something of that policy in the grant: its name, or its id, deleted or not.'),
}

export type Selecting = z.output<z.ZodObject<typeof selecting>>

export interface Selection {
  /** Over `<account>.<user>.<server>.<cid>`: as few as can be had that way. */
  readonly filter: string
  readonly includes: (session: Session) => boolean
}

export async function selectionOf(
  { tx, reach }: Pick<Scene, 'tx' | 'reach'>,
  { account: reference, user, credential, policy: policyReference }: Selecting,
): Promise<Selection> {
  const whose = reference ?? boundOf(reach)
  const account = whose === undefined ? undefined : await accountNamed(tx, whose)
  const policy =
    policyReference === undefined ? undefined : await policyIdOf({ tx, account }, policyReference)
  const known =
    account === undefined || user === undefined ? undefined : await ifThere(userNamed(tx, account, user))
  return {
    filter: `${account?.id ?? '*'}.${known?.id ?? '*'}.>`,
    includes: (session) =>
      (account === undefined || session.account === account.id) &&
      (user === undefined || session.name === user) &&
      (credential === undefined || session.credential === credential) &&
      (policy === undefined || session.policies.some(({ id }) => id === policy)),
  }
}

/** A ULID. A policy of that name is found by its id. */
const POLICY_ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

async function policyIdOf(
  { tx, account }: Pick<Scene, 'tx'> & { readonly account: Account | undefined },
  reference: string,
): Promise<string> {
  return POLICY_ID.test(reference) ? reference : (await policyNamed(tx, account, reference)).id
}
