import { nameFault } from '../domain/name.ts'
import type { Fault } from '../errors.ts'
import { DEFAULT_POLICY } from './account.ts'
import { adminLimitFaults } from './admin-limits.ts'
import type { Documents, Outline } from './documents.ts'
import { isReserved } from './lookup.ts'
import { RoleGraph, type NamedRole } from './role-graph.ts'
import { accountIn, ownIn, usableIn, type AccountRecord, type Snapshot } from './snapshot.ts'

/**
 * Names that lead nowhere, each at its place. Documents with faults of their own are asked too, for what can be read
 * of them; and what they seem to declare counts as declared, so that no fault is told for another's.
 */
export function unresolved(snapshot: Snapshot, documents: Documents): readonly Fault[] {
  return documents.outlines.flatMap((outline) => {
    const place: Place = { snapshot, documents, outline }
    switch (outline.kind) {
      case 'operator':
        return operatorFaults(place)
      case 'account':
        return accountFaults(place)
      case 'policy':
        return ownerFaults(place)
      case 'role':
        return roleFaults(place)
      default:
        return [] // What it is has been told as a fault of its own.
    }
  })
}

/** The same where there is nothing but the documents, and nothing is to be made of them: each account is there. */
export function unresolvedAlone(documents: Documents): readonly Fault[] {
  const accounts = documents.accounts.map(({ content: { name } }) => ({ name, ...BARE }))
  return unresolved({ accounts, policies: [], roles: [], users: new Map() }, documents)
}

const BARE = { id: '', role: 'tenant', limits: {}, metadata: {}, revision: 0 } as const

/** A document, among those it stands with and on what there is. */
interface Place {
  readonly snapshot: Snapshot
  readonly documents: Documents
  readonly outline: Outline
}

function operatorFaults({ snapshot: { operator }, outline: { name, locate } }: Place): readonly Fault[] {
  if (operator === undefined || !isName(name) || name === operator.name) return []
  const rule = `the operator is "${operator.name}" and keeps its name`
  return [{ where: `${locate(['name'])} name`, rule }]
}

/** The account that a policy or a role belongs to. */
function ownerFaults(place: Place): readonly Fault[] {
  return accountNamed(place, place.outline.account, ['account'])
}

function accountNamed(
  { snapshot, documents, outline }: Place,
  account: string | undefined,
  path: Path,
): readonly Fault[] {
  if (!isName(account) || accountIn(snapshot, account) !== undefined) return []
  if (documents.outlines.some((other) => mayDeclare(other, 'account', account))) return []
  return [{ where: `${outline.locate(path)} ${fieldAt(path)}`, rule: `there is no account "${account}"` }]
}

function roleFaults(place: Place): readonly Fault[] {
  const { account, policies, roles } = place.outline
  return [
    ...ownerFaults(place),
    ...policies.flatMap((name, i) => named(place, { kind: 'policy', name, account, path: ['policies', i] })),
    ...roles.flatMap((name, i) => named(place, { kind: 'role', name, account, path: ['roles', i] })),
    ...withinFaults(place),
  ]
}

/** Roles within each other, over whatever documents and stored roles. */
function withinFaults({ snapshot, documents, outline }: Place): readonly Fault[] {
  const { name, account, roles, locate } = outline
  if (name === undefined || roles.length === 0) return []
  const declared = documents.outlines.flatMap((each): readonly NamedRole[] =>
    each.kind !== 'role' || each.name === undefined
      ? []
      : [
          {
            name: each.name,
            account: each.account,
            roles: each.roles.filter((inner) => inner !== undefined),
          },
        ],
  )
  const graph = new RoleGraph(snapshot, declared)
  return roles.flatMap((inner, i) => {
    const rule = inner === undefined ? undefined : graph.faultOf({ name, account }, inner)
    return rule === undefined ? [] : [{ where: `${locate(['roles', i])} roles[${i}]`, rule }]
  })
}

function accountFaults(place: Place): readonly Fault[] {
  const { snapshot, documents, outline } = place
  const { name, defaultPolicy, boundaryPolicy, imports, users, locate } = outline
  const stored = accountIn(snapshot, name)
  if (stored !== undefined && isReserved(stored)) {
    const rule = `account "${stored.name}" belongs to Gatehouse: it cannot be declared`
    return [{ where: `${locate(['name'])} name`, rule }]
  }
  const first = firstDefault(snapshot, documents, { name: name ?? '', defaultPolicy })
  const defaults = new Set([
    defaultPolicy === undefined ? DEFAULT_POLICY : defaultPolicy,
    first ?? DEFAULT_POLICY,
  ])
  // One that is there has its default already: what it would have had from the first does not matter.
  if (stored !== undefined && defaultPolicy === null) defaults.delete(DEFAULT_POLICY)
  const policy = (each: string | null | undefined, path: Path): readonly Fault[] =>
    named(place, { kind: 'policy', name: each ?? undefined, account: name, path })
  return [
    ...barFaults(stored, outline),
    ...[...defaults].flatMap((each) => policy(each, ['defaultPolicy'])),
    ...policy(boundaryPolicy, ['boundaryPolicy']),
    ...imports.flatMap((each, i) => accountNamed(place, each.account, ['imports', i, 'account'])),
    ...users.flatMap(({ policies, roles }, i) => [
      ...policies.flatMap((each, j) => policy(each, ['users', i, 'policies', j])),
      ...roles.flatMap((each, j) =>
        named(place, { kind: 'role', name: each, account: name, path: ['users', i, 'roles', j] }),
      ),
    ]),
  ]
}

/** The account that admins live in cannot be taken away from them. */
function barFaults(stored: AccountRecord | undefined, outline: Outline): readonly Fault[] {
  if (stored?.role !== 'admin') return []
  const rule = `account "${stored.name}" carries the system: it cannot be barred`
  const bars = (['boundaryPolicy', 'expiresAt'] as const).filter((field) => outline[field] !== undefined)
  return [...bars.map((where) => ({ where, rule })), ...adminLimitFaults(stored.name, outline.limits)].map(
    ({ where, rule }) => ({ where: `${outline.locate(where.split('.'))} ${where}`, rule }),
  )
}

type Path = readonly (string | number)[]

interface Naming {
  readonly kind: 'policy' | 'role'
  readonly name: string | undefined
  /** Where it is named: what is there counts, and what everybody has. */
  readonly account: string | undefined
  readonly path: Path
}

function named(
  { snapshot, documents, outline }: Place,
  { kind, name, account, path }: Naming,
): readonly Fault[] {
  if (!isName(name)) return []
  const isUsable = (each: Outline): boolean => [undefined, account].includes(each.account)
  if (documents.outlines.some((each) => isUsable(each) && mayDeclare(each, kind, name))) return []
  const items = kind === 'policy' ? snapshot.policies : snapshot.roles
  if (usableIn<(typeof items)[number]>(snapshot, items, { account, name }) !== undefined) return []
  return [{ where: `${outline.locate(path)} ${fieldAt(path)}`, rule: `there is no ${kind} "${name}"` }]
}

function fieldAt(path: Path): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .slice(1)
}

/** What the account can have from its creation on: policies of its own come after it. */
export function firstDefault(
  snapshot: Snapshot,
  { outlines }: Documents,
  { name, defaultPolicy }: { readonly name: string; readonly defaultPolicy?: string | null | undefined },
): string | undefined {
  if (defaultPolicy === null || !isName(defaultPolicy)) return undefined
  if (isName(name) && accountIn(snapshot, name) !== undefined) return defaultPolicy
  const isShared =
    outlines.some((each) => each.account === undefined && mayDeclare(each, 'policy', defaultPolicy)) ||
    ownIn(snapshot, snapshot.policies, { name: defaultPolicy }) !== undefined
  return isShared ? defaultPolicy : undefined
}

/** A document that cannot say its kind or its name may be the one that is looked for. */
function mayDeclare(outline: Outline, kind: string, name: string): boolean {
  return [undefined, kind].includes(outline.kind) && [undefined, name].includes(outline.name)
}

/** Text that is no name has been told as a fault of its field. */
function isName(text: string | undefined): text is string {
  return text !== undefined && nameFault(text) === undefined
}
