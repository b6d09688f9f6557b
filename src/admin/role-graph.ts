import { OPERATOR_SCOPE } from '../domain/policy.ts'
import { depthOf, withinFault, type Containing } from '../domain/role.ts'
import type { Snapshot } from './snapshot.ts'

/** A role as documents name it, with the names of those within it. */
export interface NamedRole {
  readonly name: string
  readonly account?: string | undefined
  readonly roles?: readonly string[] | undefined
}

/** Which roles are within which, by name, as documents declare it on top of what there is. */
export class RoleGraph {
  readonly #roles = new Map<string, NamedRole>()
  readonly #counted = new Map<string, number>()
  #above: ReadonlyMap<string, readonly string[]> | undefined

  constructor({ roles, accounts }: Pick<Snapshot, 'roles' | 'accounts'>, declared: readonly NamedRole[]) {
    const names = new Map(accounts.map(({ id, name }) => [id, name]))
    for (const { name, scope, roles: within } of roles) {
      const account = scope === OPERATOR_SCOPE ? undefined : (names.get(scope) ?? scope)
      this.#roles.set(keyOf({ name, account }), { name, account, roles: within })
    }
    for (const role of declared) this.#roles.set(keyOf(role), role)
  }

  /** Why the role cannot have another one within it; `undefined` when it can. */
  faultOf(role: NamedRole, inner: string): string | undefined {
    const id = keyOf(role)
    const container = { id, name: role.name, above: this.#countAbove(id) }
    return withinFault(container, this.#keyIn(role.account, inner), this.#find)
  }

  /** How many roles are above one, each within the next. A way that comes back ends there. */
  #countAbove(key: string): number {
    this.#above ??= this.#containers()
    const known = this.#counted.get(key)
    if (known !== undefined) return known
    this.#counted.set(key, 0)
    const counts = (this.#above.get(key) ?? []).map((each) => this.#countAbove(each) + 1)
    this.#counted.set(key, Math.max(0, ...counts))
    return this.#counted.get(key) ?? 0
  }

  /** By key, the keys of the roles that it is in. */
  #containers(): ReadonlyMap<string, readonly string[]> {
    const containers = new Map<string, string[]>()
    for (const outer of this.#roles.keys())
      for (const inner of this.#find(outer)?.roles ?? [])
        containers.set(inner, [...(containers.get(inner) ?? []), outer])
    return containers
  }

  /** Each after those that are within it. */
  innerFirst<Role extends NamedRole>(roles: readonly Role[]): readonly Role[] {
    const known = new Map<string, number>()
    const depth = (role: Role): number => depthOf(keyOf(role), this.#find, known)
    return [...roles].sort((a, b) => depth(a) - depth(b))
  }

  readonly #find = (key: string): Containing | undefined => {
    const role = this.#roles.get(key)
    if (role === undefined) return undefined
    return { name: role.name, roles: (role.roles ?? []).map((name) => this.#keyIn(role.account, name)) }
  }

  /** What a name leads to in an account: its own role, else everybody's. */
  #keyIn(account: string | undefined, name: string): string {
    const own = keyOf({ account, name })
    return this.#roles.has(own) ? own : keyOf({ name })
  }
}

function keyOf({ account = '', name }: NamedRole): string {
  return `${account} ${name}`
}
