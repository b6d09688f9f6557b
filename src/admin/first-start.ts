import type { AccountRole } from '../domain/account.ts'
import { refuse, type Documents } from './documents.ts'
import { FOUNDED_NAMES } from './found.ts'
import { unresolved } from './references.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * Throws `invalid_document` for everything that is wrong with the documents of a system that is yet to be founded:
 * fields, and names that lead nowhere. Its state will hold SYS, AUTH and ADMIN and nothing else, so nothing has to
 * be started to know. Where there is a state already, `plan` asks it.
 */
export function refuseAtFirstStart(documents: Documents): void {
  refuse([...documents.faults, ...unresolved(FOUNDED, documents)])
}

/** A newly founded system. Its operator has the name that the documents give it. */
const FOUNDED: Snapshot = {
  accounts: Object.entries(FOUNDED_NAMES).map(([role, name]) => ({
    id: role,
    name,
    role: role as AccountRole,
    limits: {},
    metadata: {},
    revision: 0,
  })),
  policies: [],
  roles: [],
  users: new Map(),
}
