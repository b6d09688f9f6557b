import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { explainGrant } from '../../src/domain/explain.ts'
import { compileGrant } from '../../src/domain/grant.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { briefing, leaveOf, verdictOn, type Question } from '../../src/domain/question.ts'
import { entryCovers } from '../../src/domain/subject-entry.ts'
import type { TemplateFacts } from '../../src/domain/template.ts'
import { AT } from './given.ts'

const account = { id: 'AORDERS', name: 'ORDERS' }

const token = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('a', 'b', '*') },
  { weight: 1, arbitrary: fc.constantFrom('{{user.name}}', '{{user.metadata.x}}', '{{user.id}}') },
)
const subject = fc
  .array(token, { minLength: 1, maxLength: 3 })
  .chain((tokens) => fc.constantFrom(tokens.join('.'), [...tokens, '>'].join('.'), '>'))
const subjects = fc.array(subject, { maxLength: 3 })
const entries = fc.array(
  fc.tuple(subject, fc.constantFrom('', '', ' q', ' *')).map((parts) => parts.join('')),
  { maxLength: 3 },
)
const policy = fc
  .record({ pub: subjects, noPub: subjects, sub: entries, noSub: entries, id: fc.uuid() })
  .map(({ pub, noPub, sub, noSub, id }): Policy => ({
    status: 'present',
    id,
    name: id,
    scope: 'operator',
    version: 1,
    permissions: { publish: { allow: pub, deny: noPub }, subscribe: { allow: sub, deny: noSub } },
    limits: {},
    delegable: false,
    createdAt: AT,
  }))
const parts = fc.record({
  policies: fc.array(policy, { maxLength: 3 }),
  boundary: fc.option(policy, { nil: undefined }),
})
const user = fc.record({
  id: fc.constant('b'),
  name: fc.constantFrom('a', 'b', 'a.b', '>'),
  metadata: fc.constantFrom<Record<string, string>>({}, { x: 'a' }, { x: '*' }, { x: 'b' }),
})
const literal = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
  .map((t) => t.join('.'))
const pattern = fc
  .array(fc.constantFrom('a', 'b', 'c', '*'), { minLength: 1, maxLength: 3 })
  .chain((tokens) => fc.constantFrom(tokens.join('.'), [...tokens, '>'].join('.')))
const question: fc.Arbitrary<Question> = fc.oneof(
  fc.record({ side: fc.constant('publish' as const), subject: literal }),
  fc.record({
    side: fc.constant('subscribe' as const),
    subject: pattern,
    queue: fc.constantFrom(undefined, 'q', 'other'),
  }),
)

describe('what lets somebody do something', () => {
  it('is found without the grant, and is what the grant says', () => {
    let [yes, no] = [0, 0]
    fc.assert(
      fc.property(parts, user, question, (of, user, asked) => {
        const facts = { user, account }
        const compiled = compileGrant(user, account, of)
        const leave = leaveOf(briefing(asked)(of), facts)
        const isAllowed = compiled.ok && verdictOn(asked, compiled.grant).allowed
        expect(leave !== undefined).toBe(isAllowed)
        if (leave === undefined) no += 1
        else {
          yes += 1
          expect(of.policies).toContain(leave.policy)
        }
      }),
      { numRuns: 5_000 },
    )
    expect(Math.min(yes, no)).toBeGreaterThan(100)
  })

  it('is the same for everybody where the brief says so', () => {
    fc.assert(
      fc.property(parts, user, user, question, (of, one, other, asked) => {
        const brief = briefing(asked)(of)
        fc.pre(brief.isSame)
        const leave = (user: TemplateFacts['user']) => leaveOf(brief, { user, account })
        expect(leave(one)).toEqual(leave(other))
      }),
    )
  })
})

describe('the explanation of a grant', () => {
  it('has every entry with a source that says as much, and nothing that a policy says is lost', () => {
    fc.assert(
      fc.property(parts, user, (of, user) => {
        const compiled = compileGrant(user, account, of)
        if (!compiled.ok) return
        const { grant } = compiled
        const { entries, leftOut } = explainGrant({ user, account }, of, grant)
        for (const side of ['publish', 'subscribe'] as const)
          for (const effect of ['allow', 'deny'] as const) {
            const told = entries.filter((each) => each.side === side && each.effect === effect)
            expect(told.map(({ subject }) => subject)).toEqual(grant[side][effect])
          }
        for (const { effect, sources, within } of entries) {
          expect(sources.length).toBeGreaterThan(0)
          if (effect === 'allow') expect(within.length > 0).toBe(of.boundary !== undefined)
        }
        for (const { side, effect, subject, coveredBy } of leftOut) {
          const covered = grant[side][effect].some((entry) => entryCovers(entry, subject))
          expect(covered).toBe(coveredBy !== undefined)
          if (of.boundary === undefined) expect(covered).toBe(true)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
