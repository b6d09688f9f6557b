import { z } from 'zod'
import { EVENT_SCHEMA } from './event.ts'
import { semanticListsSeen } from './semantic-seen.ts'

/** What one type of event says. */
export interface EventDefinition {
  /** When it happens, in a sentence. */
  readonly when: string
  /** Fields of `data`, the `timestamp` left out. */
  readonly data: z.ZodRawShape
  /** `data` as it may come. */
  readonly example: Readonly<Record<string, unknown>>
}

/** Words that several types share. */

export const text = (about: string): z.ZodString => z.string().describe(about)
export const texts = (about: string) => z.array(z.string()).describe(about)
export const moment = (about: string): z.ZodString => z.string().describe(`${about} RFC 3339, UTC.`)
export const count = (about: string) => z.int().nonnegative().describe(about)
export const facts = z.record(z.string(), z.string()).describe('Facts for templates.')
export const reason = text('Why, in the words of whoever did it.')
export const policyRef = text('The id of a policy.')

/** A value as it was and as it is. Absent: there was none, or there is none. */
export function change<Value extends z.ZodType>(value: Value) {
  return { old: value.optional().describe('As it was.'), new: value.optional().describe('As it is.') }
}

const rules = z.strictObject({
  allow: texts('Nothing else is allowed.'),
  deny: texts('Wins over every allow.'),
})
export const permissions = z
  .strictObject({
    publish: rules.describe('What may be published.'),
    subscribe: rules.describe('What may be subscribed to.'),
    ...semanticListsSeen,
    responses: z
      .strictObject({
        max: count('Replies to one request.'),
        ttlMs: count('How long after it, in milliseconds.'),
      })
      .optional()
      .describe('May answer requests on their reply subject.'),
    inbox: z.enum(['shared', 'private']).optional().describe('Where replies come in.'),
  })
  .describe('What is granted.')

const metadata = z
  .strictObject({
    service: z.literal('gatehouse').describe('Who tells it.'),
    version: text('Of the service.'),
    environment: text('What those who run it call this system (`GATEHOUSE_ENVIRONMENT`).').optional(),
    schema: z
      .literal(EVENT_SCHEMA)
      .describe('Of `data` and `metadata`; it counts up when a reader would have to know.'),
    id: text('Of this event, a ULID. One that is told again has the same.'),
    commandId: text('The command it follows from.').optional(),
    correlationId: text('What the caller gave with the command, else the id of the command or decision.'),
    actor: z
      .strictObject({ account: text('The A… key.'), user: text('The name of the user.') })
      .optional()
      .describe('Who did it, as the bus named them.'),
    sample: z
      .number()
      .optional()
      .describe(
        'Of how many sessions, from 0 to 1, such events are told (`GATEHOUSE_EVENT_SAMPLE`). Absent: all.',
      ),
  })
  .describe('Who did it, by which command, told by what.')

/** A whole event of the type. Strict: what is not described here is not told. */
export function eventSchema(type: string, { data }: EventDefinition) {
  return z.strictObject({
    subject: z
      .string()
      .regex(new RegExp(`^auth[.]event[.](?:operator|A[A-Z2-7]{55})[.]${type.replace('.', '[.]')}$`))
      .describe('Where the audit stream has it.'),
    data: z.strictObject({ ...data, timestamp: moment('When it happened.') }).describe('What happened.'),
    metadata,
  })
}
