import type { SubjectRules } from './policy.ts'
import { CompiledList } from './subject-list.ts'

/** What nats-server says to a publish or a subscribe of somebody with such rules. */
export interface Verdict {
  readonly allowed: boolean
  /** The entry that decided it; none where nothing allows it, or where no entry can. */
  readonly entry?: string | undefined
}

/** Subjects on which nats-server lets no client publish, whatever it may: gateway replies and Raft. */
const NOBODY_PUBLISHES = ['_GR_.', '$NRG.']
/** The queue group in which nobody may subscribe: that of the system account's own services. */
const NOBODYS_QUEUE = '_sys_'

/**
 * May this be published? To nats-server a wildcard in it is a token like others: `orders.*` is one subject, and not
 * all those that it matches. The right to answer (`responses`) is not looked at. Expects a valid subject.
 */
export function mayPublish(rules: SubjectRules, subject: string): Verdict {
  if (NOBODY_PUBLISHES.some((prefix) => subject.startsWith(prefix))) return { allowed: false }
  return verdict(rules, { subject, queue: undefined })
}

/**
 * Does nats-server accept this subscription? By the tokens as they stand, too: one with a last `>` is accepted where
 * `*` is allowed there, and one that is wider than a deny. Delivered is then only what is not denied, and `wornSubscriptions`
 * denies what is longer than that `*`. Expects a valid subject and queue group.
 */
export function maySubscribe(rules: SubjectRules, subject: string, queue?: string): Verdict {
  return queue === NOBODYS_QUEUE ? { allowed: false } : verdict(rules, { subject, queue })
}

function verdict(rules: SubjectRules, asked: { subject: string; queue: string | undefined }): Verdict {
  const { allow, deny } = compiled(rules)
  const denied = deny.matching(asked.subject, asked.queue)
  if (denied !== undefined) return { allowed: false, entry: denied }
  const entry = allow.matching(asked.subject, asked.queue)
  return entry === undefined ? { allowed: false } : { allowed: true, entry }
}

interface CompiledRules {
  readonly allow: CompiledList
  readonly deny: CompiledList
}

/** Grants never change, they are replaced: the same rules say the same. */
const known = new WeakMap<SubjectRules, CompiledRules>()

function compiled(rules: SubjectRules): CompiledRules {
  let lists = known.get(rules)
  if (lists === undefined) {
    lists = { allow: new CompiledList(rules.allow), deny: new CompiledList(rules.deny) }
    known.set(rules, lists)
  }
  return lists
}
