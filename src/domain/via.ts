import type { Account } from './account.ts'
import type { Records } from './parts.ts'
import type { User } from './user.ts'

/** By id of policy, how it comes to be part of the user's grant: `default`, `user`, `role NAME`
 * (`role OUTER → INNER`), `boundary`. */
export type Via = ReadonlyMap<string, readonly string[]>

export function viaOf(
  user: User,
  { defaultPolicy, boundaryPolicy }: Account,
  records: Pick<Records, 'role'>,
): Via {
  const ways = new Map<string, string[]>()
  const note = (policy: string, way: string): void => {
    ways.set(policy, [...(ways.get(policy) ?? []), way])
  }
  if (defaultPolicy !== undefined) note(defaultPolicy, 'default')
  for (const policy of user.policies) note(policy, 'user')
  const paths = new Map(user.roles.map((id) => [id, 'role'])) // Grows while it is walked, as `partsOf` walks.
  for (const [id, above] of paths) {
    const role = records.role(id)
    const way = `${above} ${role?.name ?? id}`
    for (const policy of role?.policies ?? []) note(policy, way)
    for (const inner of role?.roles ?? []) if (!paths.has(inner)) paths.set(inner, `${way} →`)
  }
  if (boundaryPolicy !== undefined) note(boundaryPolicy, 'boundary')
  return ways
}
