import type { AccountRole } from '../domain/account.ts'
import { accountKey, accountNameKey, OPERATOR_KEY } from '../domain/state-keys.ts'
import { refuse, type Documents } from './documents.ts'
import { FOUNDED_NAMES } from './found.ts'
import { unresolved } from './references.ts'
import type { StateStore } from './state-store.ts'
import { View } from './transaction.ts'

/**
 * Throws `invalid_document` for everything that is wrong with the documents of a system that is yet to be founded:
 * fields, and names that lead nowhere. Its state will hold SYS, AUTH and ADMIN and nothing else, so nothing has to
 * be started to know. Where there is a state already, `plan` asks it.
 */
export async function refuseAtFirstStart(documents: Documents): Promise<void> {
  const operatorName = documents.outlines.find(({ kind }) => kind === 'operator')?.name
  const view = new View(foundedState(operatorName ?? ''))
  refuse([...documents.faults, ...(await unresolved(view, documents))])
}

/** The little of a newly founded state that names lead to. For its ids it has the roles. */
function foundedState(operatorName: string): StateStore {
  const records = new Map<string, unknown>([[OPERATOR_KEY, { status: 'present', name: operatorName }]])
  for (const [role, name] of Object.entries(FOUNDED_NAMES)) {
    records.set(accountNameKey(name), role)
    records.set(accountKey(role), { status: 'present', id: role, name, role: role as AccountRole })
  }
  return {
    get: (key) => Promise.resolve({ key, value: records.get(key), revision: 0 }),
    page: () => Promise.resolve({ entries: [] }),
    commit: () => Promise.reject(new Error('nothing is founded yet')),
  }
}
