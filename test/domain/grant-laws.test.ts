import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Account } from '../../src/domain/account.ts'
import { compileGrant, type Grant } from '../../src/domain/grant.ts'
import type { Policy, SubjectRules } from '../../src/domain/policy.ts'
import type { User } from '../../src/domain/user.ts'
import { mayPublish, maySubscribe } from '../../src/domain/verdict.ts'
import { anAccount, aUser } from '../support/requests.ts'
import { AT } from './given.ts'

const account: Account = anAccount()
const user: User = aUser({ account: account.id, name: 'a', metadata: {} })

function policy(id: string, publish: SubjectRules, subscribe: SubjectRules): Policy {
  return {
    status: 'present',
    id,
    name: id,
    scope: 'operator',
    version: 1,
    permissions: { publish, subscribe },
    limits: {},
    delegable: false,
    createdAt: AT,
  }
}

function granted(policies: readonly Policy[], boundary?: Policy, to = user): Grant {
  const compiled = compileGrant(to, account, { policies, boundary })
  if (!compiled.ok) throw new Error(compiled.reason)
  return compiled.grant
}

const tokens = fc.array(fc.constantFrom('a', 'b', '*', '{{user.name}}'), { minLength: 1, maxLength: 3 })
const subject = fc
  .tuple(tokens, fc.constantFrom('', '', '.>'))
  .map(([all, tail]) => `${all.join('.')}${tail}`)
const anything = fc.oneof({ weight: 8, arbitrary: subject }, { weight: 1, arbitrary: fc.constant('>') })
const queued = fc
  .tuple(anything, fc.constantFrom('', '', ' p', ' q.r', ' *', ' q.*', ' *.r', ' >'))
  .map((parts) => parts.join(''))
const rulesOf = (entry: fc.Arbitrary<string>) =>
  fc.record({ allow: fc.array(entry, { maxLength: 4 }), deny: fc.array(entry, { maxLength: 2 }) })
const written = fc.record({ publish: rulesOf(anything), subscribe: rulesOf(queued) })
/** As one asks nats-server: wildcards and a last `>` among it, in a queue group or in none. */
const asked = fc.record({
  subject: fc
    .tuple(
      fc.array(fc.constantFrom('a', 'b', 'c', '*'), { minLength: 1, maxLength: 4 }),
      fc.constantFrom('', '', '.>'),
    )
    .map(([all, tail]) => `${all.join('.')}${tail}`),
  queue: fc.constantFrom(undefined, 'p', 'q.r', 'q.s', 'x'),
})

/** What nats-server says of one grant: to the publish, and to the subscription. */
function said(grant: Grant, { subject, queue }: { subject: string; queue: string | undefined }) {
  return [
    mayPublish(grant.publish, subject).allowed,
    maySubscribe(grant.subscribe, subject, queue).allowed,
  ] as const
}

const allowing = ({ publish, subscribe }: Grant): Grant => ({
  publish: { ...publish, deny: [] },
  subscribe: { ...subscribe, deny: [] },
  policies: [],
})
const denying = ({ publish, subscribe }: Grant): Grant => ({
  publish: { allow: publish.deny, deny: [] },
  subscribe: { allow: subscribe.deny, deny: [] },
  policies: [],
})

describe('as nats-server sees it,', () => {
  it('policies together allow what one of them allows and none denies', () => {
    const counts = [0, 0]
    fc.assert(
      fc.property(
        fc.array(written, { maxLength: 3 }),
        fc.array(asked, { minLength: 12 }),
        (all, questions) => {
          const policies = all.map(({ publish, subscribe }, i) => policy(`P${i}`, publish, subscribe))
          const [together, alone] = [granted(policies), policies.map((each) => granted([each]))]
          for (const question of questions) {
            const now = said(together, question)
            for (const side of [0, 1] as const) {
              const isAllowed = alone.some((each) => said(allowing(each), question)[side])
              const isDenied = alone.some((each) => said(denying(each), question)[side])
              expect([question, side, now[side]]).toEqual([question, side, isAllowed && !isDenied])
              counts[Number(now[side])]! += 1
            }
          }
        },
      ),
      { numRuns: 300 },
    )
    expect(Math.min(...counts)).toBeGreaterThan(50)
  })

  it('a boundary leaves what it allows too, no more and no less', () => {
    const counts = [0, 0]
    fc.assert(
      fc.property(
        fc.array(written, { minLength: 1, maxLength: 3 }),
        written,
        fc.array(asked, { minLength: 12 }),
        (all, cap, questions) => {
          const policies = all.map(({ publish, subscribe }, i) => policy(`P${i}`, publish, subscribe))
          const boundary = policy('B', cap.publish, cap.subscribe)
          const [capped, free, most] = [granted(policies, boundary), granted(policies), granted([boundary])]
          for (const question of questions) {
            const now = said(capped, question)
            const [without, limit] = [said(free, question), said(most, question)]
            for (const side of [0, 1] as const) {
              expect([question, side, now[side]]).toEqual([question, side, without[side] && limit[side]])
              counts[Number(now[side])]! += 1
            }
          }
        },
      ),
      { numRuns: 300 },
    )
    expect(Math.min(...counts)).toBeGreaterThan(20)
  })
})

describe('whatever admins write about a user,', () => {
  const hostile = fc.constantFrom(
    '\ud800',
    '*',
    '>',
    '.',
    '.>',
    ' ',
    ' q',
    '$',
    '{{user.id}}',
    '}}',
    '\n',
    '$&',
    '\u2028',
  )
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc
      .array(fc.oneof(hostile, fc.constantFrom('a', 'b', '-')), { maxLength: 4 })
      .map((parts) => parts.join('')),
    fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/),
  )
  const variable = '{{user.metadata.k}}'
  const token = fc.constantFrom('a', '*', 'V', 'x-V')
  const template = fc
    .tuple(
      fc.array(token, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('', '.>'),
      fc.constantFrom('', ' V'),
    )
    .map(([all, tail, queue]) => `${all.join('.')}${tail}${queue}`)
    .filter((text) => text.includes('V'))

  it('a grant has each token of its templates where it was, no more of them and no other wildcard, or is none', () => {
    const filled = [0, 0]
    fc.assert(
      fc.property(template, value, fc.constantFrom('allow', 'deny'), (text, k, effect) => {
        const none = { allow: [], deny: [] }
        const rules = { ...none, [effect]: [text.replaceAll('V', variable)] }
        const to = { ...user, metadata: { k } }
        const compiled = compileGrant(to, account, { policies: [policy('P', none, rules)] })
        filled[Number(compiled.ok)]! += 1
        if (!compiled.ok) {
          expect(compiled).toMatchObject({ reason: 'template_value_missing', variable: 'user.metadata.k' })
          return
        }
        const [entry = '', ...more] = compiled.grant.subscribe[effect]
        expect(more).toEqual([])
        expect(entry.split(/[. ]/)).toEqual(text.split(/[. ]/).map((each) => each.replace('V', () => k)))
        expect(k).not.toMatch(/[.*>\s]/)
        expect(Buffer.from(k).toString()).toBe(k) // As it goes over the wire it is still this one.
      }),
      { numRuns: 3_000 },
    )
    expect(Math.min(...filled)).toBeGreaterThan(100)
  })
})
