import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { beyond } from '../../src/domain/beyond.ts'
import type { Grant } from '../../src/domain/grant.ts'
import type { SubjectRules } from '../../src/domain/policy.ts'
import { entryCovers } from '../../src/domain/subject-entry.ts'

const NONE: SubjectRules = { allow: [], deny: [] }

function grant(facts: Partial<Grant> = {}): Grant {
  return { publish: NONE, subscribe: NONE, policies: [], ...facts }
}

const token = fc.constantFrom('a', 'b', '*')
const subject = fc
  .tuple(fc.array(token, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([tokens, isOpen]) => (isOpen ? [...tokens.slice(0, -1), '>'] : tokens).join('.'))
const entry = fc
  .tuple(subject, fc.constantFrom('', '', ' q', ' r', ' *'))
  .map(([text, queue]) => `${text}${queue}`)
const rules = fc.record({
  allow: fc.array(entry, { maxLength: 4 }),
  deny: fc.array(entry, { maxLength: 3 }),
})

/** Everything literal that one can ask for: subjects of up to three tokens, in no queue group or one of two. */
const requests = ['', ' q', ' r'].flatMap((queue) => literals(3).map((text) => `${text}${queue}`))

function literals(length: number): string[] {
  if (length === 0) return []
  const shorter = literals(length - 1)
  const longest = shorter.filter((text) => text.split('.').length === length - 1)
  const grown = length === 1 ? ['a', 'b'] : longest.flatMap((text) => [`${text}.a`, `${text}.b`])
  return [...shorter, ...grown]
}

function allows({ allow, deny }: SubjectRules, request: string): boolean {
  const has = (list: readonly string[]): boolean => list.some((one) => entryCovers(one, request))
  return has(allow) && !has(deny)
}

describe('beyond', () => {
  it('finds whatever one grant allows and the other does not', () => {
    const found = new Set<boolean>()
    fc.assert(
      fc.property(rules, rules, (given, cap) => {
        const isWider = beyond(grant({ subscribe: given }), grant({ subscribe: cap })) !== undefined
        found.add(isWider)
        if (isWider) return
        for (const request of requests) if (allows(given, request)) expect(allows(cap, request)).toBe(true)
      }),
      { numRuns: 20_000 },
    )
    expect(found).toEqual(new Set([true, false]))
  })

  it('is nothing between a grant and itself', () => {
    fc.assert(
      fc.property(rules, (both) => {
        const same = grant({
          publish: both,
          subscribe: both,
          responses: { max: 1, ttlMs: 5 },
          lifetimeSeconds: 9,
        })
        expect(beyond(same, same)).toBeUndefined()
      }),
    )
  })

  it.each<[string, Partial<Grant>, Partial<Grant>, string | undefined]>([
    ['a subject more', { publish: { allow: ['a'], deny: [] } }, {}, 'publish a'],
    [
      'a wildcard',
      { publish: { allow: ['a.*'], deny: [] } },
      { publish: { allow: ['a.b'], deny: [] } },
      'publish a.*',
    ],
    [
      'what the other is denied',
      { publish: { allow: ['a.>'], deny: [] } },
      { publish: { allow: ['a.>'], deny: ['a.b'] } },
      'publish a.b',
    ],
    [
      'the same deny',
      { publish: { allow: ['a.>'], deny: ['a.*'] } },
      { publish: { allow: ['a.>'], deny: ['a.b'] } },
      undefined,
    ],
    [
      'every queue group instead of one',
      { subscribe: { allow: ['a'], deny: [] } },
      { subscribe: { allow: ['a q'], deny: [] } },
      'subscribe a',
    ],
    ['answers', { responses: { max: 1, ttlMs: 1 } }, {}, 'responses'],
    ['more answers', { responses: { max: 2, ttlMs: 1 } }, { responses: { max: 1, ttlMs: 1 } }, 'responses'],
    ['a life without an end', {}, { lifetimeSeconds: 60 }, 'a longer lifetime'],
    ['a shorter life', { lifetimeSeconds: 5 }, { lifetimeSeconds: 60 }, undefined],
  ])('tells %s', (_, given, cap, told) => {
    expect(beyond(grant(given), grant(cap))).toBe(told)
  })
})
