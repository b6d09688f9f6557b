import { z } from 'zod'
import { nameFault } from '../domain/name.ts'
import { SESSIONS_MAX } from '../domain/policy.ts'
import { subjectFault } from '../domain/subject.ts'
import { subscribeEntryFault } from '../domain/subject-entry.ts'
import { templateFault, templateSkeleton } from '../domain/template.ts'
import { BYTES_MAX, count, size, SMALL_MAX } from './quantities.ts'
import { ruled, VARIABLE } from './ruled.ts'
import { semanticLists } from './semantic-fields.ts'

/** The fields that documents and commands share, each with the rule nats-server or Gatehouse holds it to. */

/** Lists are bounded, so that one user JWT stays far below nats-server's 1 MiB (reference B.1). */
export const ENTRIES_MAX = 1_000
const METADATA_KEYS_MAX = 64
const METADATA_VALUE_LENGTH_MAX = 1_024

// Without the `u` flag and its classes: many validators of JSON Schema have neither.
const NAME = /^(?![.])(?![OAUNCX][A-Z2-7]{55}$)[^\s*>/\\\u0000-\u001f\u007f-\u009f]+$/
const TOKEN = String.raw`(?:${VARIABLE}|[^\s.{}\u0000-\u001f\u007f-\u009f])+`
const ANY_SUBJECT = `(?:(?!>[.])${TOKEN}[.])*${TOKEN}`
const SUBJECT = new RegExp(`^${ANY_SUBJECT}$`)
const SUBSCRIBE_ENTRY = new RegExp(`^${ANY_SUBJECT}(?: ${ANY_SUBJECT})?$`)

export const name = ruled(nameFault, NAME).describe('A name, unique among its kind: no spaces, no *, > or /.')
/** Why somebody did it; it goes into the event. */
export const reason = z
  .string()
  .min(1, 'must not be empty')
  .max(256)
  .describe('Why, for those who read it later.')

/** RFC 3339, as `2027-01-31T12:00:00Z`. */
export const instant = z.iso.datetime({ offset: true, error: 'must be a time such as 2027-01-31T12:00:00Z' })

export const description = z.string().max(1_024).optional().describe('What it is for, in a sentence.')

export const delegable = z.boolean().default(false).describe('May the admins of an account hand it on?')

const publishSubject = ruled(
  (text) => templateFault(text) ?? subjectFault(templateSkeleton(text)),
  SUBJECT,
).describe('A subject; * and > are wildcards, {{user.id}} and the like are filled in.')

const subscribeText = ruled(
  (text) => templateFault(text) ?? subscribeEntryFault(templateSkeleton(text)),
  SUBSCRIBE_ENTRY,
).describe('A subject, or "subject queue" to allow it in that queue group only.')
const subscribeSubject = z.union([
  subscribeText,
  z
    .strictObject({ subject: publishSubject, queue: publishSubject.describe('Only in this queue group.') })
    .transform(({ subject, queue }) => `${subject} ${queue}`),
])

const publishRules = z
  .strictObject({
    allow: z.array(publishSubject).max(ENTRIES_MAX).default([]).describe('Nothing else may be published.'),
    deny: z.array(publishSubject).max(ENTRIES_MAX).default([]).describe('Wins over every allow.'),
  })
  .prefault({})
  .describe('What may be published.')

const subscribeRules = z
  .strictObject({
    allow: z
      .array(subscribeSubject)
      .max(ENTRIES_MAX)
      .default([])
      .describe('Nothing else may be subscribed to.'),
    deny: z.array(subscribeSubject).max(ENTRIES_MAX).default([]).describe('Wins over every allow.'),
  })
  .prefault({})
  .describe('What may be subscribed to.')

const DURATION_RULE = 'must be a duration such as 90s, 2m, 1h30m or 7d'
const DURATION = /^(?:\d+(?:ms|s|m|h|d))+$/
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `2m`, `1h30m`, `7d` in milliseconds. */
export const duration = z
  .string({ error: DURATION_RULE })
  .regex(DURATION, DURATION_RULE)
  .transform((text) =>
    [...text.matchAll(/(\d+)(ms|s|m|h|d)/g)].reduce(
      (sum, [, n, unit = '']) => sum + Number(n) * (UNIT_MS[unit] ?? 0),
      0,
    ),
  )
  .pipe(
    z
      .number()
      .min(1_000, 'must be at least 1s')
      .max(3_650 * 86_400_000, 'must be at most 3650d'),
  )

export const responses = z
  .strictObject({
    max: z.int().min(1).max(1_000_000).default(1).describe('Replies to one request.'),
    ttl: duration.prefault('2m').describe('How long after the request.'),
  })
  .transform(({ max, ttl }) => ({ max, ttlMs: ttl }))
  .describe('Allows answering requests on their reply subject.')

const inbox = z
  .enum(['shared', 'private'])
  .optional()
  .describe('Where replies come in. private: in an inbox of the user alone, whose prefix whoami tells.')

export const permissions = {
  publish: publishRules,
  subscribe: subscribeRules,
  ...semanticLists,
  responses: responses.optional(),
  inbox,
}

/** nats-server ignores these for callout users (reference 0.2): what cannot be enforced is refused, not ignored. */
export function unenforceable(rule: string): z.ZodOptional<z.ZodNever> {
  return z.never({ error: rule }).optional().describe(`Not here: ${rule}.`)
}
/** Under either name that people give it. */
export const NO_DATA_RATE = 'nats-server enforces no data rate: leave it out'

const storage = {
  memory: size(BYTES_MAX).optional().describe('Of all its streams in memory.'),
  disk: size(BYTES_MAX).optional().describe('Of all its streams on disk.'),
  streams: count.optional().describe('How many streams.'),
  consumers: count.optional().describe('How many consumers.'),
  maxAckPending: count.optional().describe('Messages that one consumer may have unacknowledged.'),
  memoryStream: size(BYTES_MAX).optional().describe('Of one stream in memory.'),
  diskStream: size(BYTES_MAX).optional().describe('Of one stream on disk.'),
  maxBytesRequired: z.boolean().optional().describe('Every stream must say how large it may grow.'),
}
const renamed = ({
  memory,
  disk,
  memoryStream,
  diskStream,
  ...rest
}: z.output<z.ZodObject<typeof storage>>) => ({
  ...rest,
  memoryBytes: memory,
  diskBytes: disk,
  memoryStreamBytes: memoryStream,
  diskStreamBytes: diskStream,
})

const jetstreamLimits = z
  .strictObject({
    ...storage,
    tiers: z
      .record(
        z.string().regex(/^R[1-5]$/, 'must be R1 to R5, after the number of replicas'),
        z.strictObject(storage).transform(renamed),
      )
      .refine((tiers) => Object.keys(tiers).length > 0, 'must not be empty')
      .optional()
      .describe(
        'By number of replicas: R1, R3. A tier that is not named has no streams. Not beside other limits.',
      ),
  })
  .superRefine(({ tiers, ...flat }, context) => {
    const beside = Object.entries(flat).flatMap(([key, value]) => (value === undefined ? [] : [key]))
    if (tiers === undefined || beside.length === 0) return
    const message = `must not stand beside ${beside.join(', ')}: limits are of tiers, or of all streams`
    context.addIssue({ code: 'custom', path: ['tiers'], message })
  })
  .transform(({ tiers, ...flat }) => (tiers === undefined ? renamed(flat) : { tiers }))

export const accountLimits = z
  .strictObject({
    connections: count.max(SMALL_MAX).optional().describe('Clients connected at a time.'),
    leafNodes: count.max(SMALL_MAX).optional().describe('Leaf nodes connected at a time.'),
    subscriptions: count.max(SMALL_MAX).optional().describe('Subscriptions of all its clients together.'),
    payload: size(SMALL_MAX).optional().describe('The largest message, in bytes.'),
    imports: count.optional().describe('Imports beside those that Gatehouse makes.'),
    exports: count.optional().describe('Exports beside those that Gatehouse makes.'),
    wildcardExports: z.boolean().optional().describe('May exports have wildcards? Absent: they may.'),
    disallowBearer: z.boolean().optional().describe('Keeps out bearer JWTs. Tokens of Gatehouse are none.'),
    users: count.optional().describe('Users in the account.'),
    sessionsPerUser: count.max(SESSIONS_MAX).optional().describe('Connections of one user at a time.'),
    data: unenforceable(NO_DATA_RATE),
    dataRate: unenforceable(NO_DATA_RATE),
    jetstream: jetstreamLimits
      .optional()
      .describe('Absent: the account has no JetStream. MQTT clients need it.'),
  })
  .prefault({})
  .describe('What nats-server and Gatehouse hold the account to. What is absent is not limited.')
  .transform(({ payload, data: _data, dataRate: _rate, ...rest }) => ({ ...rest, payloadBytes: payload }))

export const metadata = z
  .record(
    z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be letters, digits, _ or -'),
    z.string().max(METADATA_VALUE_LENGTH_MAX),
  )
  .refine(
    (map) => Object.keys(map).length <= METADATA_KEYS_MAX,
    `must have at most ${METADATA_KEYS_MAX} keys`,
  )
  .default({})
  .describe('Facts for templates: {{user.metadata.KEY}}.')
