import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commonEntries, commonEntriesWithin, minimal } from '../../src/domain/subject-list.ts'

const subject = fc
  .array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 3 })
  .chain((tokens) => fc.constantFrom(tokens.join('.'), [...tokens, '>'].join('.')))
const entry = fc.tuple(subject, fc.constantFrom('', ' q', ' *')).map((parts) => parts.join(''))

/** The subject with `*` for each token whose bit is set. */
function masked(subject: string, bits: number): string {
  const tokens = subject.split('.')
  return tokens.map((token, i) => ((bits >> i) & 1 ? '*' : token)).join('.')
}

describe('what two lists have in common', () => {
  it('is left alone as soon as it would be more than wanted', () => {
    const list = fc.array(entry, { maxLength: 6 })
    fc.assert(
      fc.property(list, list, fc.integer({ min: 1, max: 8 }), (left, right, max) => {
        const all = commonEntries(left, right)
        const within = commonEntriesWithin(left, right, max)
        if (within === undefined) expect(left.length * right.length).toBeGreaterThan(max)
        else expect(within).toEqual(all)
        if (all.length > max) expect(within).toBeUndefined()
      }),
    )
    const rows = Array.from({ length: 5 }, (_, n) => `*.a${n}`)
    const columns = Array.from({ length: 5 }, (_, n) => `x${n}.*`)
    expect(commonEntriesWithin(rows, columns, 25)).toHaveLength(25)
    expect(commonEntriesWithin(rows, columns, 24)).toBeUndefined()
  })

  it('is counted by what is looked at too, where all of that is the same few', () => {
    const literals = Array.from({ length: 8 }, (_, n) => `a.b.c.d.e.f.${n}`)
    const each = literals.flatMap((one) => Array.from({ length: 64 }, (_, bits) => masked(one, bits)))
    expect(commonEntriesWithin(literals, each, 8)).toBeUndefined()
    expect(commonEntriesWithin(literals, each, 128)).toEqual(literals)
  })

  it('and what is left of one list are found without walking everywhere for nothing', () => {
    const crowd = Array.from({ length: 4_000 }, (_, n) => `${'t.'.repeat(12)}l${n}`)
    const nowhere = Array.from(
      { length: 4_096 },
      (_, bits) => `${masked('t.t.t.t.t.t.t.t.t.t.t.t', bits)}.zz`,
    )
    expect(commonEntriesWithin(crowd, nowhere, 4_096)).toBeUndefined()
    const kept = new Set(minimal([...crowd, ...nowhere, 'u', 'u']))
    for (const entry of [...crowd, nowhere.at(-1), 'u']) expect(kept.has(entry!)).toBe(true)
    expect(kept.has(nowhere[0]!)).toBe(true) // The last one covers it; by then nobody looks any more.
  })
})
