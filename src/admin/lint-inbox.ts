import { entriesOf, type Entry } from '../domain/entries.ts'
import type { Policy } from '../domain/policy.ts'
import type { User } from '../domain/user.ts'
import { mayPublish, maySubscribe } from '../domain/verdict.ts'
import type { Found, Linted } from './lint.ts'

/** Replies to somebody with the inbox that client libraries make: `_INBOX.<random>` and, of newer ones, a token more. */
const REPLIES = ['_INBOX.2Q7kVY0eRBRlsWd8eqXcFn', '_INBOX.2Q7kVY0eRBRlsWd8eqXcFn.7'] as const

/**
 * Policies with which users of one account hear the replies to each other, or can forge them: by policy. Where there
 * is one user there is nobody to be heard.
 */
export function inboxFindings(linted: Linted): ReadonlyMap<string, readonly Found[]> {
  const exposed = new Map<string, Map<Entry, string[]>>()
  for (const [account, users] of byAccount(linted)) {
    if (users.length < 2) continue
    for (const [policy, entry] of exposing(users, linted)) {
      const entries = exposed.get(policy.id) ?? new Map<Entry, string[]>()
      const accounts = [...(entries.get(entry) ?? []), `${account} (${users.length} users)`]
      exposed.set(policy.id, entries.set(entry, accounts))
    }
  }
  return new Map(
    [...exposed].map(([id, entries]) => [
      id,
      [...entries].map(([entry, accounts]) => findingOf(entry, accounts.join(', '))),
    ]),
  )
}

function findingOf({ side, field, subject }: Entry, accounts: string): Found {
  const can = side === 'subscribe' ? 'overhear the replies to others' : 'forge replies to others'
  const remedy =
    side === 'subscribe'
      ? 'say inbox: private in it or in the account’s default policy'
      : 'take it out, and let services answer by responses'
  const message = `who has this policy can ${can} in ${accounts}: ${remedy}`
  return { rule: 'shared-inbox', severity: 'warning', field, subject, message }
}

function byAccount({ census }: Linted): ReadonlyMap<string, readonly User[]> {
  const users = new Map<string, User[]>()
  for (const user of census.users.values()) {
    const account = census.accounts.get(user.account)?.name ?? user.account
    const known = users.get(account)
    if (known === undefined) users.set(account, [user])
    else known.push(user)
  }
  return users
}

/** The entries by which the grants of these users reach into the inboxes of others: each once. */
function exposing(users: readonly User[], { held }: Linted): ReadonlyMap<Policy, Entry> {
  const found = new Map<Policy, Entry>()
  for (const holding of new Set(users.map(held))) {
    if (!holding.ok) continue
    const { publish, subscribe } = holding.grant
    const reached = {
      publish: REPLIES.some((reply) => mayPublish(publish, reply).allowed),
      subscribe: REPLIES.some((reply) => maySubscribe(subscribe, reply).allowed),
    }
    for (const policy of holding.parts.policies) {
      const entry = entriesOf(policy).find((each) => reached[each.side] && reaches(each))
      if (entry !== undefined) found.set(policy, entry)
    }
  }
  return found
}

/** By itself, without templates: what one of those is filled with is nobody’s random inbox. */
function reaches({ effect, side, subject }: Entry): boolean {
  if (effect === 'deny' || subject.includes('{{')) return false
  const rules = { allow: [subject], deny: [] }
  return REPLIES.some(
    (reply) => (side === 'publish' ? mayPublish(rules, reply) : maySubscribe(rules, reply)).allowed,
  )
}
