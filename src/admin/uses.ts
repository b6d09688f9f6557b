import { useFilter } from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import type { Transaction } from './transaction.ts'

/** Throws `in_use` when somebody has the policy or the role, or comes to have it before the commit. */
export async function refuseUsed(tx: Transaction, what: 'policy' | 'role', id: string): Promise<void> {
  const use = await tx.anyOf(useFilter(what, id))
  if (use === undefined) return
  const [kind = ''] = use.key.split('.').slice(4)
  throw new GatehouseError(
    'in_use',
    `the ${what} is in use by ${kind === 'account' ? 'an' : 'a'} ${kind}: take it away first`,
  )
}
