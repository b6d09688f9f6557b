import { z } from 'zod'
import type { Question } from '../domain/question.ts'
import { subjectFault } from '../domain/subject.ts'
import type { Fault } from '../errors.ts'
import { refuseFaults } from './faults.ts'

/** What `explain.can` and `explain.who-can` are asked about. */

const subject = z.string().superRefine((text, context) => {
  const rule = subjectFault(text)
  if (rule !== undefined) context.addIssue({ code: 'custom', message: rule })
})

export const question = {
  action: z.enum(['publish', 'subscribe']).describe('What to do with the subject.'),
  subject: subject.describe('A subject. Of a subscription it may have wildcards.'),
  queue: subject.optional().describe('The queue group of a subscription.'),
}

/** One publishes to one subject, and queue groups are for those who listen. Throws `invalid_request`. */
export function asQuestion({ action, subject, queue }: z.output<z.ZodObject<typeof question>>): Question {
  const faults: Fault[] = []
  if (action === 'publish' && /(?:^|\.)[*>](?:\.|$)/.test(subject))
    faults.push({ where: 'subject', rule: 'must have no wildcards: one publishes to one subject' })
  if (action === 'publish' && queue !== undefined)
    faults.push({ where: 'queue', rule: 'is for subscriptions' })
  refuseFaults(faults)
  return { side: action, subject, queue }
}
