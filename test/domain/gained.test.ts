import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gained, someGained } from '../../src/domain/gained.ts'
import type { SubjectRules } from '../../src/domain/policy.ts'
import { entryCovers } from '../../src/domain/subject-entry.ts'
import { meaning, meaningOfRules, rules } from './small-world.ts'

const only = (...allow: string[]): SubjectRules => ({ allow, deny: [] })

const crossing = (of: (n: number) => string): string[] => Array.from({ length: 1_000 }, (_, n) => of(n))

function gainOf(before: SubjectRules, after: SubjectRules): string[] {
  const had = new Set(meaningOfRules(before))
  return meaningOfRules(after).filter((each) => !had.has(each))
}

describe('what is gained', () => {
  it('is never hidden, and nothing is told that the new rules do not allow at all', () => {
    const found = new Set<boolean>()
    fc.assert(
      fc.property(rules, rules, (before, after) => {
        const told = gained(before, after)
        const gain = gainOf(before, after)
        const said = new Set(meaning(told))
        expect(gain.filter((each) => !said.has(each))).toEqual([])
        expect(told.length > 0).toBe(gain.length > 0)
        const allowed = new Set(meaning(after.allow))
        expect([...said].filter((each) => !allowed.has(each))).toEqual([])
        found.add(told.length > 0)
      }),
      { numRuns: 2_000 },
    )
    expect(found).toEqual(new Set([true, false]))
  })

  it('is nothing from rules to themselves', () => {
    fc.assert(
      fc.property(rules, (both) => {
        expect(gained(both, both)).toEqual([])
      }),
    )
  })

  it.each<[what: string, before: SubjectRules, after: SubjectRules, told: string[]]>([
    ['an entry', only('a'), only('a', 'b'), ['b']],
    ['nothing where less is allowed', only('a.>'), only('a.*'), []],
    ['nothing where several say what one said', only('a.>'), only('a.*', 'a.*.>'), []],
    ['nothing where one says what several said', only('a.*', 'a.*.>'), only('a.>'), []],
    ['the lengths that came in', only('a.*'), only('a.>'), ['a.*.>']],
    ['the whole where words fail', only('a.eu'), only('a.*'), ['a.*']],
    [
      'what is no longer denied',
      { allow: ['a.>'], deny: ['a.b', 'a.c'] },
      { allow: ['a.>'], deny: ['a.b'] },
      ['a.c'],
    ],
    ['nothing that is denied', only(), { allow: ['a.b'], deny: ['a.*'] }, []],
    ['other queue groups', only('a q'), only('a'), ['a']],
    ['nothing where a queue group came to what all had', only('a'), only('a q', 'a'), []],
  ])('is %s', (_, before, after, told) => {
    expect(gained(before, after)).toEqual(told)
  })

  it('is never hidden where lists cross each other so often that it takes too long to tell', () => {
    const [here, there] = [crossing((n) => `*.a${n}.>`), crossing((n) => `b${n}.*.>`)]
    expect(gained(only(...here), only(...there))).toEqual([...there].sort())
    expect(gained(only(...here), only(...there, 'x'))).toContain('x')
    const denied = { allow: ['>'], deny: here }
    const freed = gained(denied, { allow: ['b1.>', ...there], deny: [] })
    expect(there.filter((entry) => !freed.some((each) => entryCovers(each, entry)))).toEqual([])
  })

  it('is nothing from such lists to themselves, nor to less', () => {
    const queues = crossing((n) => `c.> q${n}`)
    const both = [...crossing((n) => `*.a${n}.>`), ...crossing((n) => `b${n}.*.>`), ...queues]
    expect(gained({ allow: both, deny: both }, { allow: both, deny: both })).toEqual([])
    expect(gained(only(...both), only(...both.slice(500)))).toEqual([])
    expect(gained(only(...both), { allow: ['>'], deny: ['>'] })).toEqual([])
  })

  it('is found one at a time too', () => {
    fc.assert(
      fc.property(rules, rules, (before, after) => {
        const some = someGained(before, after)
        const told = gained(before, after)
        expect(some === undefined).toBe(told.length === 0)
        if (some !== undefined) expect(told.some((entry) => entryCovers(entry, some))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('is found in long lists', () => {
    const entries = (of: string) => Array.from({ length: 5_000 }, (_, n) => `orders.${n}.${of}`)
    expect(gained(only(...entries('x')), only(...entries('x'), ...entries('*')))).toHaveLength(5_000)
    const deny = entries('y')
    expect(gained({ allow: ['>'], deny }, { allow: ['>'], deny: deny.slice(1) })).toEqual(['orders.0.y'])
  })
})
