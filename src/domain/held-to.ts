import type { MergedLimits } from './limits.ts'

/** What limits come to leave open, and what they leave open no more, in words. */
interface Held {
  readonly gain: readonly string[]
  readonly loss: readonly string[]
}

/**
 * Holds the limits of a grant before a change against those after it. A number is a most, a list says what may be.
 */
export function heldTo(before: MergedLimits, after: MergedLimits): Held {
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

const LIMITS = ['lifetimeSeconds', 'sources', 'connectionTypes', 'windows', 'sessions'] as const

/** By name, what holds. */
function limitsOf(limits: MergedLimits): ReadonlyMap<string, readonly string[]> {
  return new Map(
    LIMITS.flatMap((name) => {
      const value: unknown = limits[name]
      return value === undefined
        ? []
        : [[name, (Array.isArray(value) ? value : [value]).map(textOf)] as const]
    }),
  )
}

function numberIn(texts: readonly string[]): number | undefined {
  const [text = ''] = texts
  return texts.length === 1 && /^\d+$/.test(text) ? Number(text) : undefined
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
