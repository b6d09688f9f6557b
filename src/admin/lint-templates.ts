import { entriesOf, variablesOf } from '../domain/entries.ts'
import type { Policy } from '../domain/policy.ts'
import type { User } from '../domain/user.ts'
import { expand, variablesIn } from '../domain/template.ts'
import type { Found, Linted } from './lint.ts'

/** Variables that somebody who has the policy has no value for, and is not let in. It is an error where nobody has one. */
export function templateFindings(policy: Policy, { census, holders }: Linted): readonly Found[] {
  const users = holders.get(policy.id) ?? []
  if (users.length === 0) return []
  return variablesOf(policy).flatMap((variable): readonly Found[] => {
    const lacking = users.filter((user) => {
      const account = census.accounts.get(user.account)
      return account === undefined || !expand(`{{${variable}}}`, { user, account }).ok
    })
    if (lacking.length === 0) return []
    const entry = entriesOf(policy).find(({ subject }) => variablesIn(subject).includes(variable))
    const about = { rule: 'unreachable-template', field: entry?.field, subject: entry?.subject } as const
    const value = `value for {{${variable}}} that is one token`
    const remedy = 'set it, or take the variable out'
    if (lacking.length < users.length) {
      const who = `${lacking.length} of the ${users.length} users who have policy ${policy.name}`
      const isOne = lacking.length === 1
      const message = `${who} ${isOne ? 'has' : 'have'} no ${value}, and ${isOne ? 'is' : 'are'} not let in (${named(lacking, census)}): ${remedy}`
      return [{ ...about, severity: 'warning', message }]
    }
    const who = users.length === 1 ? 'the 1 user who has' : `none of the ${users.length} users who have`
    const message = `${who} policy ${policy.name} has ${users.length === 1 ? 'no' : 'a'} ${value}, so nobody of them is let in: ${remedy}`
    return [{ ...about, severity: 'error', message }]
  })
}

const NAMES_SHOWN = 3

function named(users: readonly User[], { accounts }: Linted['census']): string {
  const shown = users
    .slice(0, NAMES_SHOWN)
    .map(({ name, account }) => `${name} of ${accounts.get(account)?.name ?? account}`)
  const rest = users.length - shown.length
  return `${shown.join(', ')}${rest === 0 ? '' : ` and ${rest} more`}`
}
