import type { SubjectRules } from './policy.ts'
import { covers } from './subject.ts'
import { parseSubscribeEntry } from './subject-entry.ts'

/** What nats-server says to a publish or a subscribe of somebody with such rules. */
export interface Verdict {
  readonly allowed: boolean
  /** The entry that decided it; none where nothing allows it. */
  readonly entry?: string | undefined
}

export function mayPublish({ allow, deny }: SubjectRules, subject: string): Verdict {
  const denied = deny.find((entry) => covers(entry, subject))
  if (denied !== undefined) return { allowed: false, entry: denied }
  const allowed = allow.find((entry) => covers(entry, subject))
  return allowed === undefined ? { allowed: false } : { allowed: true, entry: allowed }
}

export function maySubscribe({ allow, deny }: SubjectRules, subject: string, queue?: string): Verdict {
  const holds = (entry: string): boolean => {
    const { subject: pattern, queue: group } = parseSubscribeEntry(entry)
    return covers(pattern, subject) && (group === undefined || (queue !== undefined && covers(group, queue)))
  }
  const denied = deny.find(holds)
  if (denied !== undefined) return { allowed: false, entry: denied }
  const allowed = allow.find(holds)
  return allowed === undefined ? { allowed: false } : { allowed: true, entry: allowed }
}
