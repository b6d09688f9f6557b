import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entryDifference, entryIntersection } from '../../src/domain/subject-entry.ts'
import { covers, difference, intersection, overlaps } from '../../src/domain/subject.ts'
import { entry, everySubject, matches, meaning, pattern, SUBJECTS } from './small-world.ts'

const PATTERNS = everySubject(['a', 'b', '*'], 4).flatMap((each) => [each, each.replace(/[^.]+$/, '>')])

const matched = (patterns: readonly string[]): string[] =>
  SUBJECTS.filter((subject) => patterns.some((each) => matches(each, subject)))

/** Is there no list of patterns that matches these subjects and no others? `c` stands for what none of them names. */
function isBeyondWords(subjects: readonly string[]): boolean {
  const within = new Set(subjects)
  const said = [...new Set(PATTERNS)].filter((each) =>
    matched([each]).every((subject) => within.has(subject)),
  )
  return matched(said).length < subjects.length
}

describe('the intersection of two subjects', () => {
  it('matches what both match, and is there exactly where they overlap', () => {
    fc.assert(
      fc.property(pattern, pattern, (left, right) => {
        const both = intersection(left, right)
        const common = matched([left]).filter((subject) => matches(right, subject))
        expect(both === undefined ? [] : matched([both])).toEqual(common)
        expect(overlaps(left, right)).toBe(both !== undefined)
        expect(intersection(right, left)).toBe(both)
        expect(common.length > 0).toBe(both !== undefined)
      }),
      { numRuns: 1_000 },
    )
  })

  it('is the narrower one exactly where one covers the other', () => {
    fc.assert(
      fc.property(pattern, pattern, (left, right) => {
        expect(covers(left, right)).toBe(intersection(left, right) === right)
      }),
    )
  })

  it.each([
    ['a.>', '*.b', 'a.b'],
    ['a.>', '>', 'a.>'],
    ['*.b.>', 'a.*', undefined],
    ['a.*.>', '*.b.>', 'a.b.>'],
    ['a', 'a.>', undefined],
  ])('of %s and %s is %s', (left, right, both) => {
    expect(intersection(left, right)).toBe(both)
  })
})

describe('the difference of two subjects', () => {
  it('matches what the first matches and the second does not, each once, and is missing only where no words say it', () => {
    const seen = new Set<boolean>()
    fc.assert(
      fc.property(pattern, pattern, (left, right) => {
        const rest = matched([left]).filter((subject) => !matches(right, subject))
        const said = difference(left, right)
        seen.add(said === undefined)
        if (said === undefined) {
          expect(isBeyondWords(rest)).toBe(true)
          return
        }
        expect(matched(said)).toEqual(rest)
        for (const [i, one] of said.entries())
          for (const other of said.slice(i + 1)) expect(overlaps(one, other)).toBe(false)
      }),
      { numRuns: 1_000 },
    )
    expect(seen).toEqual(new Set([true, false]))
  })

  it.each([
    ['a', 'b', ['a']],
    ['a', '*', []],
    ['*', 'a', undefined],
    ['a.>', 'a.*', ['a.*.>']],
    ['a.>', 'a.*.*', ['a.*', 'a.*.*.>']],
    ['a.>', '*.*.>', ['a.*']],
    ['a.>', 'a.*.*.>', ['a.*', 'a.*.*']],
    ['a.>', 'a.b', undefined],
    ['*.>', 'a.*', undefined],
  ])('of %s and %s is %j', (left, right, rest) => {
    expect(difference(left, right)).toEqual(rest)
  })

  it('does not list more lengths than anybody means', () => {
    const long = Array.from({ length: 500 }, () => '*').join('.')
    expect(difference('>', long)).toBeUndefined()
  })
})

describe('of two entries with queue groups', () => {
  it('the intersection allows what both allow', () => {
    fc.assert(
      fc.property(entry, entry, (left, right) => {
        const both = entryIntersection(left, right)
        const right_ = new Set(meaning([right]))
        expect(meaning(both === undefined ? [] : [both])).toEqual(
          meaning([left]).filter((each) => right_.has(each)),
        )
      }),
      { numRuns: 1_000 },
    )
  })

  it('the difference allows what the first allows and the second does not', () => {
    let told = 0
    fc.assert(
      fc.property(entry, entry, (left, right) => {
        const rest = entryDifference(left, right)
        if (rest === undefined) return
        told += 1
        const right_ = new Set(meaning([right]))
        expect(meaning(rest)).toEqual(meaning([left]).filter((each) => !right_.has(each)))
      }),
      { numRuns: 1_000 },
    )
    expect(told).toBeGreaterThan(100)
  })

  it.each([
    ['a q', 'a', []],
    ['a', 'a q', undefined],
    ['a >', 'a *', ['a *.>']],
    ['a.> >', 'a.* *', ['a.*.> >', 'a.* *.>']],
    ['a.>', 'a.* q', undefined],
    ['a q', 'a r', ['a q']],
  ])('%s without %s is %j', (left, right, rest) => {
    expect(entryDifference(left, right)).toEqual(rest)
  })
})
