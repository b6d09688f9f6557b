import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gained } from '../../src/domain/gained.ts'
import type { SubjectRules } from '../../src/domain/policy.ts'
import { entryCovers } from '../../src/domain/subject.ts'
import { mayPublish } from '../../src/domain/verdict.ts'

const token = fc.constantFrom('a', 'b', '*')
const subject = fc
  .tuple(fc.array(token, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([tokens, isOpen]) => (isOpen ? [...tokens.slice(0, -1), '>'] : tokens).join('.'))
const queued = fc.tuple(subject, fc.constantFrom('', '', ' q', ' r', ' *')).map(([text, q]) => `${text}${q}`)
const listsOf = (entry: fc.Arbitrary<string>): fc.Arbitrary<SubjectRules> =>
  fc.record({ allow: fc.array(entry, { maxLength: 4 }), deny: fc.array(entry, { maxLength: 3 }) })

const literals = ['a', 'b'].flatMap((x) => [x, ...['a', 'b'].flatMap((y) => [`${x}.${y}`, `${x}.${y}.a`])])
const requests = ['', ' q', ' r'].flatMap((queue) => literals.map((text) => `${text}${queue}`))

function allows({ allow, deny }: SubjectRules, request: string): boolean {
  const has = (list: readonly string[]): boolean => list.some((one) => entryCovers(one, request))
  return has(allow) && !has(deny)
}

describe('what is gained', () => {
  it('is allowed after and was not before, by the verdict', () => {
    let count = 0
    fc.assert(
      fc.property(listsOf(subject), listsOf(subject), (before, after) => {
        for (const each of gained(before, after)) {
          count += 1
          expect(mayPublish(after, each).allowed, each).toBe(true)
          expect(mayPublish(before, each).allowed, each).toBe(false)
        }
      }),
      { numRuns: 5_000 },
    )
    expect(count).toBeGreaterThan(1_000)
  })

  it('covers whatever is allowed after and was not before, queue groups included', () => {
    let count = 0
    fc.assert(
      fc.property(listsOf(queued), listsOf(queued), (before, after) => {
        const found = gained(before, after)
        for (const request of requests) {
          if (!allows(after, request) || allows(before, request)) continue
          count += 1
          expect(
            found.some((each) => entryCovers(each, request)),
            request,
          ).toBe(true)
        }
      }),
      { numRuns: 5_000 },
    )
    expect(count).toBeGreaterThan(1_000)
  })

  it('is nothing where nothing changes', () => {
    fc.assert(fc.property(listsOf(queued), (rules) => gained(rules, rules).length === 0))
  })

  it.each<[string, Partial<SubjectRules>, Partial<SubjectRules>, string[]]>([
    ['a new entry', { allow: ['a'] }, { allow: ['a', 'b.>'] }, ['b.>']],
    ['a wider entry', { allow: ['a.*'] }, { allow: ['a.>'] }, ['a.>']],
    ['a narrower entry', { allow: ['a.>'] }, { allow: ['a.b'] }, []],
    ['a lifted deny', { allow: ['a.>'], deny: ['a.b'] }, { allow: ['a.>'] }, ['a.b']],
    ['a deny of what is not allowed', { allow: ['a'], deny: ['b'] }, { allow: ['a'] }, []],
    [
      'a deny that becomes narrower',
      { allow: ['>'], deny: ['a.>'] },
      { allow: ['>'], deny: ['a.b'] },
      ['a.>'],
    ],
  ])('is told of %s', (_, before, after, expected) => {
    const none = { allow: [], deny: [] }
    expect(gained({ ...none, ...before }, { ...none, ...after })).toEqual(expected)
  })
})
