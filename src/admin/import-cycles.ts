import type { Account } from '../domain/account.ts'
import type { AccountImport } from '../domain/exchange.ts'
import { accountKey } from '../domain/state-keys.ts'
import { overlaps } from '../domain/subject.ts'
import { accounts } from './aggregates.ts'
import type { View } from './transaction.ts'

/** An account with the imports that it shall have. */
export interface Importing {
  readonly importer: Account
  readonly imports: readonly AccountImport[]
}

/**
 * Does an import lead, by imports of the exporting accounts, back to itself? Servers leave the whole circle without
 * effect, and say so to nobody but their log.
 */
export async function isCircular(
  view: View,
  { importer, imports }: Importing,
  one: AccountImport,
): Promise<boolean> {
  const start = localOf(one)
  const visited = new Set<string>()
  const leadsBack = async ({ account, subject, type }: AccountImport): Promise<boolean> => {
    if (account === importer.id && overlaps(subject, start)) return true
    const place = `${account} ${subject}`
    if (visited.has(place)) return false
    visited.add(place)
    const onward = account === importer.id ? imports : await importsOf(view, account)
    for (const next of onward) {
      if (next.type === type && overlaps(localOf(next), subject) && (await leadsBack(next))) return true
    }
    return false
  }
  return leadsBack(one)
}

async function importsOf(view: View, account: string): Promise<readonly AccountImport[]> {
  const exporter = await view.load(accounts, accountKey(account))
  return exporter.status === 'present' ? (exporter.imports ?? []) : []
}

/** Where it is found in the importing account, with references as wildcards. */
function localOf({ subject, localSubject = subject }: AccountImport): string {
  return localSubject.replaceAll(/(?<=^|\.)\$\d+(?=\.|$)/g, '*')
}
