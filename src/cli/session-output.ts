import { isMap } from './body.ts'
import { cell, type Row } from './table.ts'

/** A session as a row: who, from where, by what, since when. The rest of it `session show` tells. */
export function sessionRow({ id, account, user, source, client, since, until, policies, adopted }: Row): Row {
  return {
    user,
    account,
    source,
    client: isMap(client) ? [client['name'], client['lang']].filter(Boolean).join(' ') : undefined,
    since,
    until,
    policies: Array.isArray(policies) ? policies.map(policyWords) : undefined,
    ...(adopted === true && { adopted }),
    id,
  }
}

export function isSession(item: Row): boolean {
  return typeof item['cid'] === 'number' && isMap(item['user'])
}

/** `orders v3`; the id of one that is gone. */
function policyWords(policy: unknown): string {
  const { id, name, version } = isMap(policy) ? policy : {}
  return `${cell(name ?? id)} v${cell(version)}`
}

/** What became of those that were to be ended. */
export function kickText({ affected, kicked, left }: Row): string {
  if (affected === 0) return 'no such session'
  const counts = `${counted(affected)} to end: ${cell(kicked)} ended, ${cell(left)} left`
  return `${counts}\nTheir clients come back by themselves, unless the user is locked or the credential revoked.`
}

function counted(n: unknown): string {
  return n === 1 ? '1 session' : `${cell(n)} sessions`
}
