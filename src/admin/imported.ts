import type { Account } from '../domain/account.ts'
import { exportOf, type AccountExport, type AccountImport } from '../domain/exchange.ts'
import { GatehouseError } from '../errors.ts'
import { importersOf } from './account-delete.ts'
import type { StateStore } from './state-store.ts'

/** Throws `in_use` when another account imports what the account exports now and would not with these exports. */
export async function refuseImported(
  store: StateStore,
  { id, exports: before }: Account,
  after: readonly AccountExport[],
): Promise<void> {
  for (const { name, imports = [] } of await importersOf(store, id)) {
    const lost = imports.find((one) => one.account === id && gives(before, one) && !gives(after, one))
    if (lost === undefined) continue
    throw new GatehouseError(
      'in_use',
      `account "${name}" imports the ${lost.type} "${lost.subject}": end that first, or say force: true`,
    )
  }
}

function gives(exports: readonly AccountExport[] | undefined, one: AccountImport): boolean {
  const given = exportOf(exports, one)
  return given !== undefined && (given.access === 'public' || one.token !== undefined)
}
