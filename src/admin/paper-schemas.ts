import { z } from 'zod'
import { subscribeEntryFault } from '../domain/subject-entry.ts'
import { subjectFault } from '../domain/subject.ts'
import { metadata, name } from './fields.ts'
import { LINT_RULES } from './lint-rules.ts'
import { ruled } from './ruled.ts'

/** What is written about policies and declares nothing: their tests, and what lint may find in them. */

const policyNames = z.array(name).max(64).default([]).describe('Names of policies.')
const roleNames = z.array(name).max(64).default([]).describe('Names of roles.')

const givenAccount = z.strictObject({
  name: name.default('ACCOUNT').describe('Its own policies and roles go before those of the operator.'),
  defaultPolicy: name.nullable().optional().describe('What everybody in it has. Absent: base. null: none.'),
  boundaryPolicy: name.optional().describe('What caps everybody in it. Absent: nothing does.'),
})

const givenUser = z.strictObject({
  name: name.default('somebody').describe('For {{user.name}}.'),
  policies: policyNames,
  roles: roleNames,
  metadata,
  account: z
    .union([name, givenAccount])
    .optional()
    .describe(
      'The name of a declared account, or one that is given here. Absent: one with the default policy base.',
    ),
})

const declaredUser = z
  .string()
  .regex(/^\S+ of \S+$/, 'must be a declared user and its account: alice@example.com of ORDERS')

const PLAIN = /^[^\s.]+(?:[.][^\s.]+)*$/
const published = ruled(
  (text) =>
    subjectFault(text) ??
    (/(?:^|\.)[*>](?:\.|$)/.test(text) ? 'must be one subject: nobody publishes to * or >' : undefined),
  PLAIN,
)
const subscribed = ruled(subscribeEntryFault, /^[^\s]+(?: [^\s]+)?$/)

function expected(subject: z.ZodType<string, string>, what: string) {
  const list = z.array(subject).max(1_000).default([])
  return z
    .strictObject({
      allowed: list.describe(`What it may ${what}.`),
      denied: list.describe(`What it may not ${what}.`),
    })
    .prefault({})
}

const policyTestCase = z
  .strictObject({
    name: z.string().min(1, 'must not be empty').max(256).describe('What is expected, in a sentence.'),
    user: z
      .union([declaredUser, givenUser])
      .describe('Who tries: somebody declared, or somebody given here.'),
    publish: expected(published, 'publish to').describe('Subjects without wildcards.'),
    subscribe: expected(subscribed, 'subscribe to').describe(
      'Subjects, with a queue group if one is asked for.',
    ),
    grant: z
      .literal('none')
      .optional()
      .describe('It must not be let in, because a template has no value. Then nothing else is expected.'),
  })
  .superRefine(({ publish, subscribe, grant }, context) => {
    const count = [publish, subscribe].flatMap(({ allowed, denied }) => [...allowed, ...denied]).length
    if (count === 0 && grant === undefined)
      context.addIssue({
        code: 'custom',
        message: 'expects nothing: say what is allowed or denied under publish or subscribe',
      })
    if (count > 0 && grant === 'none')
      context.addIssue({
        code: 'custom',
        path: ['grant'],
        message: 'must not stand beside publish or subscribe',
      })
  })

const policyTestDocument = z
  .strictObject({
    kind: z.literal('policy-test').describe('What this document is.'),
    cases: z.array(policyTestCase).min(1, 'must not be empty').max(1_000).describe('Each by itself.'),
  })
  .describe('Tests of policies: who may do what.')

const acceptance = z.strictObject({
  rule: z.enum(LINT_RULES).describe('Which finding.'),
  policy: name.describe('In which policy.'),
  account: name.optional().describe('The account it belongs to. Absent: usable in every account.'),
  subject: z
    .string()
    .max(2_100)
    .optional()
    .describe('At which of its subjects, as it is written. Absent: at any.'),
  why: z.string().min(1, 'must not be empty').max(1_024).describe('Why that is wanted.'),
})

const policyLintDocument = z
  .strictObject({
    kind: z.literal('policy-lint').describe('What this document is.'),
    accept: z.array(acceptance).min(1, 'must not be empty').max(1_000).describe('Findings that are wanted.'),
  })
  .describe('What lint may find in policies, because it is wanted.')

export const paperSchemas = { 'policy-test': policyTestDocument, 'policy-lint': policyLintDocument }

export type PolicyTestDocument = z.output<typeof policyTestDocument>
export type PolicyTestCase = z.output<typeof policyTestCase>
export type PolicyLintDocument = z.output<typeof policyLintDocument>
