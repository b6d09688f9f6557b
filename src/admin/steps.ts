import { differences, type FieldChange } from './difference.ts'
import type { Written } from './written.ts'

/** One command that brings the state closer to what the documents declare. */
export interface Step {
  /** Of the command. */
  readonly name: string
  readonly payload: Readonly<Record<string, unknown>>
  /** What it changes, for people, and nothing else is called so: `user alice@example.com in ORDERS`. */
  readonly target: string
  readonly change: 'create' | 'change' | 'remove'
  readonly fields: readonly FieldChange[]
  /** What the target was at when this was planned. Absent: it was not there. */
  readonly revision?: number | undefined
}

/** A command, and the fields that it replaces. */
export interface Facet {
  readonly name: string
  readonly fields: readonly string[]
  /** Where the command wants them otherwise than they are written. */
  readonly payload?: (declared: Written) => Written
}

/** What a step is about, as it is and as it should be. */
export interface Facts {
  /** The fields of a command that say what it is about. */
  readonly which: Written
  readonly target: string
  readonly stored: Written
  readonly declared: Written
  readonly revision: number | undefined
}

/** One step for every command that has something to change. */
export function changes(facets: readonly Facet[], facts: Facts): readonly Step[] {
  const { which, target, stored, declared, revision } = facts
  return facets.flatMap(({ name, fields, payload }) => {
    const [before, after] = [pick(stored, fields), pick(declared, fields)]
    const different = differences(before, after)
    if (different.length === 0) return []
    const body = payload === undefined ? after : payload(after)
    return [{ name, payload: { ...which, ...body }, target, change: 'change', fields: different, revision }]
  })
}

/** The step that makes it. */
export function created(
  name: string,
  { target, which, declared }: Pick<Facts, 'target' | 'which' | 'declared'>,
): Step {
  const fields = differences({}, declared)
  return { name, payload: { ...which, ...declared }, target, change: 'create', fields }
}

export function ownedTarget(
  kind: 'policy' | 'role',
  { name, account }: { readonly name: string; readonly account?: string | undefined },
): string {
  return account === undefined ? `${kind} ${name}` : `${kind} ${name} of ${account}`
}

export function accountTarget(name: string): string {
  return `account ${name}`
}

export function userTarget(account: string, name: string): string {
  return `user ${name} in ${account}`
}

export function pick(from: Written, keys: readonly string[]): Written {
  return Object.fromEntries(keys.filter((key) => key in from).map((key) => [key, from[key]]))
}

/** Without the fields that are not there. */
export function defined(fields: Written): Written {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
