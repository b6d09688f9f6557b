import { someGained } from './gained.ts'
import type { Grant } from './grant.ts'
import { limitsBeyond } from './limits.ts'
import type { ResponsePermission } from './policy.ts'

/** What a grant allows that another one does not, in words; `undefined` when it is nowhere wider. */
export function beyond(grant: Grant, cap: Grant): string | undefined {
  const publish = someGained(cap.publish, grant.publish)
  if (publish !== undefined) return `publish ${publish}`
  const subscribe = someGained(cap.subscribe, grant.subscribe)
  if (subscribe !== undefined) return `subscribe ${subscribe}`
  if (responsesBeyond(grant.responses, cap.responses)) return 'responses'
  return limitsBeyond(grant, cap)
}

function responsesBeyond(
  given: ResponsePermission | undefined,
  cap: ResponsePermission | undefined,
): boolean {
  if (given === undefined) return false
  return cap === undefined || given.max > cap.max || given.ttlMs > cap.ttlMs
}
