import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { covers, SUBJECT_LENGTH_MAX, subjectFault, overlaps } from '../../src/domain/subject.ts'
import { entry, matches, meaning, pattern, SUBJECTS } from './small-world.ts'
import { entryCovers, parseSubscribeEntry, subscribeEntryFault } from '../../src/domain/subject-entry.ts'
import { commonEntries, minimal } from '../../src/domain/subject-list.ts'

describe('a subject', () => {
  it.each([
    'a',
    'a.b',
    '*',
    '>',
    'a.*.b',
    'a.>',
    '*.*.>',
    '$JS.API.>',
    'a*b',
    'a>b.c',
    '日本',
    'x'.repeat(SUBJECT_LENGTH_MAX),
  ])('may be "%s"', (subject) => {
    expect(subjectFault(subject)).toBeUndefined()
  })

  it.each([
    ['', /empty/],
    ['.', /empty tokens/],
    ['.a', /empty tokens/],
    ['a.', /empty tokens/],
    ['a..b', /empty tokens/],
    ['a.>.b', /last token/],
    ['>.>', /last token/],
    ['a b', /spaces/],
    ['a\tb', /spaces/],
    ['a\r\nPUB b', /spaces/],
    ['a\u0000', /control/],
    ['a\u200bb', /not seen/],
    ['\u202eb.a', /not seen/],
    ['a.\ud800', /not seen/],
    ['a.\udfff.b', /not seen/],
    ['a\u3164', /not seen/],
    ['☎\ufe0f', /not seen/],
    ['a\u034fb', /not seen/],
    ['\ue000', /not seen/],
    ['x'.repeat(SUBJECT_LENGTH_MAX + 1), /at most/],
  ])('may not be %j', (subject, rule) => {
    expect(subjectFault(subject)).toMatch(rule)
  })
})

describe('an entry of a subscribe list', () => {
  it.each([
    ['a.>', { subject: 'a.>' }],
    ['a.> workers', { subject: 'a.>', queue: 'workers' }],
    ['a q.*', { subject: 'a', queue: 'q.*' }],
  ])('may be "%s"', (entry, parsed) => {
    expect(subscribeEntryFault(entry)).toBeUndefined()
    expect(parseSubscribeEntry(entry)).toEqual(parsed)
  })

  it.each([
    ['a ', /queue group must not be empty/],
    [' q', /^must not be empty/],
    ['a..b q', /^must not contain empty tokens/],
    ['a q r', /queue group must not contain spaces/],
    ['a  q', /queue group must not contain spaces/],
    ['a q..r', /queue group must not contain empty tokens/],
  ])('may not be "%s"', (entry, rule) => {
    expect(subscribeEntryFault(entry)).toMatch(rule)
  })
})

describe('covers', () => {
  it.each([
    ['>', 'a', true],
    ['>', '>', true],
    ['>', '*.>', true],
    ['*.>', '>', false],
    ['a.>', 'a', false],
    ['a.>', 'a.b', true],
    ['a.>', 'a.*', true],
    ['a.*', 'a.>', false],
    ['*', '*', true],
    ['a', '*', false],
    ['*.b', 'a.*', false],
    ['a.*.c', 'a.b.c', true],
    ['a.b', 'a.b.c', false],
    ['a', 'A', false],
  ])('%s over %s: %s', (wide, narrow, expected) => {
    expect(covers(wide, narrow)).toBe(expected)
  })
})

describe('over every subject of a small world', () => {
  it('a pattern covers another one exactly when it matches all that the other one matches', () => {
    fc.assert(
      fc.property(pattern, pattern, (wide, narrow) => {
        const all = SUBJECTS.filter((subject) => matches(narrow, subject))
        expect(covers(wide, narrow)).toBe(all.every((subject) => matches(wide, subject)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('an entry covers another one only when it allows all that the other one allows', () => {
    fc.assert(
      fc.property(entry, entry, (wide, narrow) => {
        const allowed = new Set(meaning([wide]))
        expect(entryCovers(wide, narrow)).toBe(meaning([narrow]).every((each) => allowed.has(each)))
      }),
      { numRuns: 1_000 },
    )
  })

  it('the minimal list means what the whole list means, and no entry of it can go', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
        const least = minimal(entries)
        expect(meaning(least)).toEqual(meaning(entries))
        for (const one of least) {
          expect(least.some((other) => other !== one && entryCovers(other, one))).toBe(false)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('what two lists have in common', () => {
  it('is what both of them allow, and nothing else', () => {
    const list = fc.array(entry, { maxLength: 4 })
    fc.assert(
      fc.property(list, list, (left, right) => {
        const allowed = new Set(meaning(right))
        expect(meaning(commonEntries(left, right))).toEqual(meaning(left).filter((each) => allowed.has(each)))
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([
    [['>'], ['a.b', 'c q'], ['a.b', 'c q']],
    [['a.*'], ['*.b'], ['a.b']],
    [['a.>'], ['a'], []],
    [['a.> q*'], ['a.b r'], []],
    [['a.> q.*'], ['*.b.> *.r'], ['a.b.> q.r']],
    [['a', 'b'], [], []],
  ])('of %j and %j is %j', (left, right, both) => {
    expect(commonEntries(left, right)).toEqual(both)
    expect(commonEntries(right, left)).toEqual(both)
  })

  it('is found among thousands without comparing each with each', () => {
    const names = Array.from({ length: 20_000 }, (_, n) => `orders.${n}.created`)
    expect(commonEntries(names, names.slice(10_000).reverse())).toHaveLength(10_000)
  })
})

describe('covering', () => {
  it('is reflexive', () => {
    fc.assert(
      fc.property(entry, (one) => {
        expect(entryCovers(one, one)).toBe(true)
      }),
    )
  })

  it('is antisymmetric: two that cover each other are the same', () => {
    fc.assert(
      fc.property(pattern, pattern, (one, other) => {
        expect(covers(one, other) && covers(other, one)).toBe(one === other)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is transitive', () => {
    const chain = fc.tuple(entry, entry, entry).filter(([a, b, c]) => entryCovers(a, b) && entryCovers(b, c))
    fc.assert(
      fc.property(chain, ([a, , c]) => entryCovers(a, c)),
      { numRuns: 200 },
    )
  })
})

describe('overlap', () => {
  it('is having a subject in common', () => {
    const subjects = ['a', 'b', 'a.a', 'a.b', 'b.a', 'a.a.a', 'a.b.a', 'b.b.b']
    const patterns = ['a', '*', '>', 'a.*', '*.a', 'a.>', '*.*', 'a.*.a', '*.>', 'b.>', 'a.b.c.d']
    for (const left of patterns) {
      for (const right of patterns) {
        const common = subjects.some((subject) => covers(left, subject) && covers(right, subject))
        if (common) expect([left, right, overlaps(left, right)]).toEqual([left, right, true])
        expect(overlaps(left, right)).toBe(overlaps(right, left))
      }
    }
    expect(overlaps('a.*', 'b.>')).toBe(false)
    expect(overlaps('a', 'a.>')).toBe(false)
    expect(overlaps('a.*.c', 'a.b.d')).toBe(false)
  })
})

describe('the minimal list', () => {
  it.each([
    [[], []],
    [
      ['b', 'a', 'b'],
      ['a', 'b'],
    ],
    [['a.b', 'a.*', 'a.>'], ['a.>']],
    [['>', 'a q', 'a'], ['>']],
    [
      ['a q', 'a p'],
      ['a p', 'a q'],
    ],
    [['a q', 'a *'], ['a *']],
    [['a q', 'a'], ['a']],
  ])('of %j is %j', (entries, least) => {
    expect(minimal(entries)).toEqual(least)
  })

  it('does not depend on the order', () => {
    const shuffled = fc
      .array(entry, { maxLength: 6 })
      .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })))
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        expect(minimal(other)).toEqual(minimal(list))
      }),
    )
  })
})
