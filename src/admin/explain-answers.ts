import { z } from 'zod'
import { grantSeen, named } from './answers.ts'

/** What the explaining commands answer. */

const via = z
  .array(z.string())
  .describe('How the policy comes to the user: `user`, `default`, `role NAME`, `boundary`.')

export const sourceSeen = z.object({
  policy: z.string().describe('The name of the policy.'),
  version: z.number().describe('Its version.'),
  via,
  field: z.string().describe('Where it is written there: `publish.allow[0]`.'),
  written: z.string().describe('As it is written there, templates and all.'),
})

const side = z.enum(['publish', 'subscribe'])
const effect = z.enum(['allow', 'deny'])

export const entrySeen = z.object({
  side,
  effect,
  subject: z.string().describe('As it is in the grant; on the side of subscriptions with its queue group.'),
  sources: z.array(sourceSeen).describe('What gives it, or denies it.'),
  within: z.array(sourceSeen).optional().describe('What of the boundary lets it through.'),
})

export const leftOutSeen = z.object({
  side,
  effect,
  subject: z.string(),
  source: sourceSeen.describe('What says it.'),
  coveredBy: z.string().optional().describe('The entry that says more. Absent: it is outside the boundary.'),
})

export const policyUsed = z.object({
  id: z.string().describe('The id of the policy.'),
  name: z.string().describe('Its name.'),
  version: z.number().describe('Its version.'),
  via,
})

export const refusalSeen = z.object({
  reason: z.string().describe('A code of docs/decision.md.'),
  detail: z.string().optional().describe('What it is about.'),
  words: z.string().describe('The same for people, with what to do.'),
})

export const explanationSeen = {
  account: named.describe('Where it is.'),
  user: named.describe('Who it is.'),
  refusal: refusalSeen.optional().describe('Why it would not be let in now, whatever it proves itself with.'),
  grant: grantSeen.optional().describe('What it would be granted. Absent: nothing, for the reason above.'),
  policies: z.array(policyUsed).describe('What the grant is made of.'),
  entries: z.array(entrySeen).describe('Each entry of the grant, with what it comes from.'),
  leftOut: z.array(leftOutSeen).describe('What policies say and the grant does not.'),
  more: z.number().optional().describe('Entries beyond those that are shown.'),
}
