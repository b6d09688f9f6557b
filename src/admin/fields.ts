import { isIP } from 'node:net'
import { z } from 'zod'
import { nameFault } from '../domain/name.ts'
import { CONNECTION_TYPES } from '../domain/policy.ts'
import { subjectFault, subscribeEntryFault } from '../domain/subject.ts'
import { templateFault, templateSkeleton } from '../domain/template.ts'

/** The fields that documents and commands share, each with the rule nats-server or Gatehouse holds it to. */

/** Lists are bounded, so that one user JWT stays far below nats-server's 1 MiB (reference B.1). */
export const ENTRIES_MAX = 1_000
const METADATA_KEYS_MAX = 64
const METADATA_VALUE_LENGTH_MAX = 1_024

function ruled(fault: (text: string) => string | undefined): z.ZodType<string, string> {
  return z.string().superRefine((text, context) => {
    const rule = fault(text)
    if (rule !== undefined) context.addIssue({ code: 'custom', message: rule })
  })
}

export const name = ruled(nameFault).describe('A name, unique among its kind: no spaces, no *, > or /.')
export const description = z.string().max(1_024).optional().describe('What it is for, in a sentence.')

const publishSubject = ruled((text) => templateFault(text) ?? subjectFault(templateSkeleton(text))).describe(
  'A subject; * and > are wildcards, {{user.id}} and the like are filled in.',
)

const subscribeText = ruled(
  (text) => templateFault(text) ?? subscribeEntryFault(templateSkeleton(text)),
).describe('A subject, or "subject queue" to allow it in that queue group only.')
const subscribeSubject = z.union([
  subscribeText,
  z
    .strictObject({ subject: publishSubject, queue: publishSubject.describe('Only in this queue group.') })
    .transform(({ subject, queue }) => `${subject} ${queue}`),
])

const publishRules = z
  .strictObject({
    allow: z.array(publishSubject).max(ENTRIES_MAX).default([]),
    deny: z.array(publishSubject).max(ENTRIES_MAX).default([]).describe('Wins over every allow.'),
  })
  .prefault({})

const subscribeRules = z
  .strictObject({
    allow: z.array(subscribeSubject).max(ENTRIES_MAX).default([]),
    deny: z.array(subscribeSubject).max(ENTRIES_MAX).default([]).describe('Wins over every allow.'),
  })
  .prefault({})

const DURATION = /^(?:\d+(?:ms|s|m|h|d))+$/
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `2m`, `1h30m`, `7d` in milliseconds. */
export const duration = z
  .string()
  .regex(DURATION, 'must be a duration such as 90s, 2m, 1h30m or 7d')
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

const SIZE = /^(\d+)(B|KiB|MiB|GiB|TiB)$/
const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** `512MiB` or a plain number, in bytes. */
const size = z.union([
  z.int().nonnegative(),
  z
    .string()
    .regex(SIZE, 'must be a number of bytes or a size such as 64KiB, 512MiB or 1GiB')
    .transform((text) => {
      const [, n, unit = 'B'] = SIZE.exec(text) ?? []
      return Number(n) * (UNIT_BYTES[unit] ?? 1)
    }),
])

const count = z.int().nonnegative()

export const responses = z
  .strictObject({
    max: z.int().min(1).max(1_000_000).default(1).describe('Replies to one request.'),
    ttl: duration.prefault('2m').describe('How long after the request.'),
  })
  .transform(({ max, ttl }) => ({ max, ttlMs: ttl }))
  .describe('Allows answering requests on their reply subject.')

export const permissions = {
  publish: publishRules,
  subscribe: subscribeRules,
  responses: responses.optional(),
}

/** nats-server ignores these for callout users (reference 0.2): what cannot be enforced is refused, not ignored. */
function unenforceable(accountLimit: string): z.ZodOptional<z.ZodNever> {
  return z
    .never({ error: `nats-server does not enforce this per user: set limits.${accountLimit} of the account` })
    .optional()
}

export const policyLimits = z
  .strictObject({
    lifetime: duration.optional().describe('A connection ends after this long and authenticates anew.'),
    sources: z
      .array(ruled(cidrFault))
      .min(1)
      .max(ENTRIES_MAX)
      .optional()
      .describe('Networks a client may come from.'),
    connectionTypes: z.array(z.enum(CONNECTION_TYPES)).min(1).optional(),
    subscriptions: unenforceable('subscriptions'),
    payload: unenforceable('payload'),
    dataRate: z.never({ error: 'nats-server enforces no data rate: leave it out' }).optional(),
  })
  .prefault({})
  .transform(({ lifetime, sources, connectionTypes }) => ({
    ...(lifetime === undefined ? {} : { lifetimeSeconds: Math.floor(lifetime / 1_000) }),
    ...(sources === undefined ? {} : { sources }),
    ...(connectionTypes === undefined ? {} : { connectionTypes }),
  }))

export const accountLimits = z
  .strictObject({
    connections: count.optional(),
    leafNodes: count.optional(),
    subscriptions: count.optional(),
    payload: size.optional().describe('The largest message, in bytes.'),
    imports: count.optional(),
    exports: count.optional(),
    jetstream: z
      .strictObject({
        memory: size.optional(),
        disk: size.optional(),
        streams: count.optional(),
        consumers: count.optional(),
      })
      .transform(({ memory, disk, ...rest }) => ({ memoryBytes: memory, diskBytes: disk, ...rest }))
      .optional()
      .describe('Absent: the account has no JetStream. MQTT clients need it.'),
  })
  .prefault({})
  .transform(({ payload, ...rest }) => ({ ...rest, payloadBytes: payload }))

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

/** Why text is not a network in CIDR form, or `undefined`. Host bits must be zero, or the network is not what it says. */
export function cidrFault(text: string): string | undefined {
  const [address = '', bits = '', ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0 || !/^\d{1,3}$/.test(bits))
    return 'must be a network such as 10.0.0.0/8 or fd00::/8'
  const width = version === 4 ? 32 : 128
  if (Number(bits) > width) return `must have at most ${width} bits`
  const host = bitsOf(address, version).slice(Number(bits))
  return host.includes('1') ? 'must not have host bits set' : undefined
}

function bitsOf(address: string, version: number): string {
  if (version === 4) {
    return address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('')
  }
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return groups.map((group) => parseInt(group, 16).toString(2).padStart(16, '0')).join('')
}
