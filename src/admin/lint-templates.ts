import { entriesOf, variablesOf } from '../domain/entries.ts'
import type { Policy } from '../domain/policy.ts'
import { expand, variablesIn } from '../domain/template.ts'
import type { Found, Linted } from './lint.ts'

/** Variables that have a value for nobody who has the policy: none of them is let in. */
export function templateFindings(policy: Policy, { census, holders }: Linted): readonly Found[] {
  const users = holders.get(policy.id) ?? []
  if (users.length === 0) return []
  return variablesOf(policy).flatMap((variable): readonly Found[] => {
    const hasValue = users.some((user) => {
      const account = census.accounts.get(user.account)
      return account !== undefined && expand(`{{${variable}}}`, { user, account }).ok
    })
    if (hasValue) return []
    const entry = entriesOf(policy).find(({ subject }) => variablesIn(subject).includes(variable))
    const who = users.length === 1 ? 'the 1 user who has' : `none of the ${users.length} users who have`
    const message = `${who} policy ${policy.name} has ${users.length === 1 ? 'no' : 'a'} value for {{${variable}}} that is one token, so nobody of them is let in: set it, or take the variable out`
    return [
      {
        rule: 'unreachable-template',
        severity: 'error',
        field: entry?.field,
        subject: entry?.subject,
        message,
      },
    ]
  })
}
