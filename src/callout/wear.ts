import type { Grant } from '../domain/grant.ts'
import type { SubjectRules } from '../domain/policy.ts'
import { worn } from '../domain/worn.ts'
import type { Permission, Permissions } from '../jwt/claims.ts'

/** A grant stays the same object while it holds, and so does what it looks like in a JWT. */
const wardrobe = new WeakMap<Grant, Permissions | undefined>()

/** The permissions of a JWT; undefined when they are too many for one. */
export function wear(grant: Grant): Permissions | undefined {
  if (wardrobe.has(grant)) return wardrobe.get(grant)
  const { responses } = grant
  const wears = worn(grant)
  const permissions = wears && {
    pub: permission(wears.publish),
    sub: permission(wears.subscribe),
    ...(responses && { resp: { max: responses.max, ttl: responses.ttlMs * 1_000_000 } }),
  }
  wardrobe.set(grant, permissions)
  return permissions
}

/** To nats-server no allow list means everything (reference 0.3), so nothing is said as a deny of everything. */
function permission({ allow, deny }: SubjectRules): Permission {
  if (allow.length === 0) return { deny: ['>'] }
  return deny.length === 0 ? { allow } : { allow, deny }
}
