import type { Account } from '../domain/account.ts'
import { beyond } from '../domain/beyond.ts'
import { entriesOf } from '../domain/entries.ts'
import type { Grant } from '../domain/grant.ts'
import type { Policy } from '../domain/policy.ts'
import type { Role } from '../domain/role.ts'
import { accountKey, POLICY_PREFIX, policyKey, ROLE_PREFIX } from '../domain/state-keys.ts'
import { overlaps } from '../domain/subject.ts'
import { commonEntries } from '../domain/subject-list.ts'
import { widestOf } from '../domain/template.ts'
import { GatehouseError } from '../errors.ts'
import { policies } from './aggregates.ts'
import type { Delegate } from './caller.ts'
import { rolesWithin } from './compiled.ts'
import type { Transaction, View } from './transaction.ts'

/** Who may send which commands is for those to change who may send all of them. */

const EVERY_COMMAND = 'auth.v1.>'

/** A grant as far as it is about commands. */
export function commandsOf({ publish, policies }: Pick<Grant, 'publish' | 'policies'>): Grant {
  const none = { allow: [], deny: [] }
  const allow = commonEntries(publish.allow, [EVERY_COMMAND])
  return { publish: { allow, deny: publish.deny }, subscribe: none, policies }
}

/**
 * Refuses whoever may send some commands only, and would change a policy or a role that lets somebody send commands,
 * or what applies to everybody in ADMIN: the next step would be to send the others. Throws `forbidden`.
 */
export async function refuseOtherCommands(tx: Transaction, { account, grant }: Delegate): Promise<void> {
  if (sendsAll(grant)) return
  for (const { before, after } of tx.changes(POLICY_PREFIX)) {
    for (const policy of [before, after] as (Policy | undefined)[])
      if (policy !== undefined && isAboutCommands(policy)) throw refusal(`policy "${policy.name}"`)
  }
  for (const { before, after } of tx.changes(ROLE_PREFIX)) {
    for (const role of [before, after] as (Role | undefined)[])
      if (role !== undefined && (await hasCommands(tx, role))) throw refusal(`role "${role.name}"`)
  }
  for (const { before, after } of tx.changes(accountKey(account.id))) {
    const [was, is] = [before, after] as [Account | undefined, Account | undefined]
    if (was?.defaultPolicy !== is?.defaultPolicy || was?.boundaryPolicy !== is?.boundaryPolicy)
      throw refusal(`what everybody in "${account.name}" has`)
  }
}

function sendsAll(grant: Grant): boolean {
  const all = { publish: { allow: [EVERY_COMMAND], deny: [] }, policies: [] }
  return beyond(commandsOf(all), commandsOf(grant)) === undefined
}

function isAboutCommands(policy: Policy): boolean {
  const published = entriesOf(policy).filter(({ side }) => side === 'publish')
  return published.some(({ subject }) => overlaps(widestOf(subject), EVERY_COMMAND))
}

async function hasCommands(view: View, role: Role): Promise<boolean> {
  const within = await rolesWithin(view, role.roles ?? [])
  for (const id of [role, ...within.values()].flatMap(({ policies }) => policies)) {
    const policy = await view.load(policies, policyKey(id))
    if (policy.status === 'present' && isAboutCommands(policy)) return true
  }
  return false
}

function refusal(what: string): GatehouseError {
  return new GatehouseError(
    'forbidden',
    `${what} says who may send commands: that takes leave to send them all`,
  )
}
