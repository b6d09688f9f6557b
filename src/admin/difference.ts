import type { Written } from './written.ts'

/** One field that is to change, by its path: `limits.jetstream.disk`. Absent means that it is not there. */
export interface FieldChange {
  readonly field: string
  readonly old?: unknown
  readonly new?: unknown
}

/**
 * What is different, field by field. The order of a list does not count, for no list here has one; nor does the way in
 * which a moment is written.
 */
export function differences(before: Written, after: Written): readonly FieldChange[] {
  return between('', before, after)
}

function between(path: string, before: Written, after: Written): readonly FieldChange[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return keys.flatMap((key) => {
    const field = path === '' ? key : `${path}.${key}`
    const [old, now] = [before[key], after[key]]
    if (isSame(key, old, now)) return []
    // An empty map says something by being there, and JetStream goes as a whole.
    const isGone = key === 'jetstream' && now === undefined
    const isWithin = !isGone && [old, now].every((each) => each === undefined || isMap(each))
    const within = isWithin ? between(field, asMap(old), asMap(now)) : []
    if (within.length > 0) return within
    return [{ field, ...(old === undefined ? {} : { old }), ...(now === undefined ? {} : { new: now }) }]
  })
}

function isSame(key: string, old: unknown, now: unknown): boolean {
  if (key === 'expiresAt' && typeof old === 'string' && typeof now === 'string') {
    return Date.parse(old) === Date.parse(now)
  }
  return canonical(old) === canonical(now)
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${[...new Set(value.map(canonical))].sort().join(',')}]`
  if (value === undefined) return ''
  if (!isMap(value)) return JSON.stringify(value)
  const fields = Object.entries(value).filter(([, each]) => each !== undefined)
  return `{${fields
    .map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`)
    .sort()
    .join(',')}}`
}

function isMap(value: unknown): value is Written {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function asMap(value: unknown): Written {
  return isMap(value) ? value : {}
}
