import { allOf } from './census.ts'
import type { GrantParts } from './grant.ts'

/** What limits come to leave open, and what they leave open no more, in words. */
interface Held {
  readonly gain: readonly string[]
  readonly loss: readonly string[]
}

/**
 * Holds the limits of policies before a change against those after it. A number is a most, a list says what may be;
 * whatever limits there are, they are compared by their names.
 */
export function heldTo(before: GrantParts, after: GrantParts): Held {
  const [was, is] = [limitsOf(before), limitsOf(after)]
  const gain: string[] = []
  const loss: string[] = []
  for (const name of new Set([...was.keys(), ...is.keys()])) {
    const [old, now] = [was.get(name), is.get(name)]
    if (old === undefined) loss.push(`${name} ${outside(now ?? [])}`)
    else if (now === undefined) gain.push(`${name} ${outside(old)}`)
    else {
      const [one, other] = [numberIn(old), numberIn(now)]
      if (one !== undefined && other !== undefined) {
        if (one !== other) (other > one ? gain : loss).push(`${name} ${other} (was ${one})`)
        continue
      }
      gain.push(...items(name, now, old))
      loss.push(...items(name, old, now))
    }
  }
  return { gain, loss }
}

/** What a limit keeps out. */
function outside(limit: readonly string[]): string {
  return `${numberIn(limit) === undefined ? 'other than' : 'beyond'} ${limit.join(', ')}`
}

function items(name: string, all: readonly string[], others: readonly string[]): readonly string[] {
  const rest = all.filter((each) => !others.includes(each))
  return rest.length === 0 ? [] : [`${name} ${rest.join(', ')}`]
}

/** By name, what holds: the least of numbers, and of lists what is in all of them, or all of them where nothing is. */
function limitsOf(parts: GrantParts): ReadonlyMap<string, readonly string[]> {
  const limits = new Map<string, readonly string[]>()
  for (const [name, value] of allOf(parts).flatMap(
    (policy) => Object.entries(policy.limits) as [string, unknown][],
  )) {
    if (value === undefined) continue
    const texts = (Array.isArray(value) ? value : [value]).map(textOf)
    limits.set(name, merged(limits.get(name), texts))
  }
  return limits
}

function merged(one: readonly string[] | undefined, other: readonly string[]): readonly string[] {
  if (one === undefined) return other
  const [a, b] = [numberIn(one), numberIn(other)]
  if (a !== undefined && b !== undefined) return [String(Math.min(a, b))]
  const both = one.filter((each) => other.includes(each))
  return both.length > 0 ? both : [...one, ...other]
}

function numberIn(texts: readonly string[]): number | undefined {
  const [text = ''] = texts
  return texts.length === 1 && /^\d+$/.test(text) ? Number(text) : undefined
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
