import { useFilter } from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import type { StateStore } from './state-store.ts'

/** Throws `in_use` when somebody has the policy or the role. */
export async function refuseUsed(store: StateStore, what: 'policy' | 'role', id: string): Promise<void> {
  const { entries } = await store.page(useFilter(what, id), { after: 0, limit: 1 })
  const [use] = entries
  if (use === undefined) return
  const [kind = ''] = use.key.split('.').slice(4)
  throw new GatehouseError(
    'in_use',
    `the ${what} is in use by ${kind === 'account' ? 'an' : 'a'} ${kind}: take it away first`,
  )
}
