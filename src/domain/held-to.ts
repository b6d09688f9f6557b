import { allOf } from './census.ts'
import type { GrantParts } from './grant.ts'

/**
 * What the limits of the second policies leave open and those of the first did not, in words. A number is a most, a
 * list says what may be; whatever limits there are, they are compared by their names.
 */
export function heldTo(less: GrantParts, more: GrantParts): readonly string[] {
  const [tight, loose] = [limitsOf(less), limitsOf(more)]
  return [...tight].flatMap(([name, old]) => {
    const now = loose.get(name)
    if (now === undefined) return [`no ${name} (was ${old.join(', ')})`]
    if (same(old, now)) return []
    const [number, than] = [numberIn(now), numberIn(old)]
    if (number !== undefined && than !== undefined)
      return number > than ? [`${name} ${number} (was ${than})`] : []
    const more = now.filter((each) => !old.includes(each))
    return more.length === 0 ? [] : [`${name} ${more.join(', ')}`]
  })
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

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each) => other.includes(each))
}
