import { z } from 'zod'
import { CONNECTION_TYPES, KEEP_SESSIONS, SESSIONS_MAX } from '../domain/policy.ts'
import { DAYS, isZone } from '../domain/window.ts'
import { duration, ENTRIES_MAX, NO_DATA_RATE, unenforceable } from './fields.ts'
import { ruled } from './ruled.ts'
import { cidrFault } from './network.ts'

/** What else a policy says beside permissions: when, from where and how its users may connect. */

const NETWORK = /^[0-9A-Fa-f:.]+\/(?:0|[1-9][0-9]{0,2})$/
const ZONE = /^[A-Z][A-Za-z0-9_+-]*(?:\/[A-Z][A-Za-z0-9_+-]*)*$/
const TIME = /^(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?$/
const WINDOWS_MAX = 32

const ofTheAccount = (limit: string): string =>
  `nats-server does not enforce this per user: set limits.${limit} of the account`

/** To nats-server an MQTT client is one whatever carries it, and a leaf node has no transport (reference A.3). */
const INDISTINCT = [
  ['MQTT', 'MQTT_WS'],
  ['LEAFNODE', 'LEAFNODE_WS'],
] as const

const ZONE_RULE = 'must be the name of a time zone such as Europe/Berlin or UTC'
const zone = ruled((text) => (isZone(text) ? undefined : ZONE_RULE), ZONE)
const TIME_RULE = 'must be a time of day such as 08:00 or 17:30:00'
const timeOfDay = z.string({ error: TIME_RULE }).regex(TIME, TIME_RULE)

const window = z
  .strictObject({
    zone: zone.describe('The time zone whose clock counts: Europe/Berlin.'),
    start: timeOfDay.describe('From then on: 08:00.'),
    end: timeOfDay.describe('Up to then: 18:00. Before the start: on the next day.'),
    days: z
      .array(z.enum(DAYS))
      .min(1)
      .max(DAYS.length)
      .optional()
      .describe('The days on which it starts. Absent: every day.'),
  })
  .superRefine(({ start, end }, context) => {
    if (start.padEnd(8, ':00') !== end.padEnd(8, ':00')) return
    context.addIssue({ code: 'custom', path: ['end'], message: 'must be another time than the start' })
  })

export const policyLimits = z
  .strictObject({
    lifetime: duration.optional().describe('A connection ends after this long and authenticates anew.'),
    sources: z
      .array(ruled(cidrFault, NETWORK))
      .min(1)
      .max(ENTRIES_MAX)
      .optional()
      .describe('Networks a client may come from: 10.0.0.0/8, fd00::/8. Absent: anywhere.'),
    connectionTypes: z
      .array(z.enum(CONNECTION_TYPES))
      .min(1)
      .refine((types) => INDISTINCT.every(([one, other]) => types.includes(one) === types.includes(other)), {
        error:
          'must name MQTT and MQTT_WS together, and LEAFNODE and LEAFNODE_WS: a request does not tell them apart',
      })
      .optional()
      .describe('Ways a client may connect. Absent: any.'),
    windows: z
      .array(window)
      .min(1)
      .max(WINDOWS_MAX)
      .optional()
      .describe('Times of day, one of which it has to be; connections end with it. Absent: at any time.'),
    sessions: z
      .int()
      .min(1)
      .max(SESSIONS_MAX)
      .optional()
      .describe('Connections of one user at a time. Absent: as many as the account allows.'),
    sessionsPerCredential: z
      .int()
      .min(1)
      .max(SESSIONS_MAX)
      .optional()
      .describe('Connections by one credential at a time. Absent: as many as the user may have.'),
    keepSessions: z
      .enum(KEEP_SESSIONS)
      .optional()
      .describe(
        'Which stay when there would be more. oldest: the new one is refused, as when nothing is said. newest: it is let in, and the oldest ends.',
      ),
    subscriptions: unenforceable(ofTheAccount('subscriptions')),
    payload: unenforceable(ofTheAccount('payload')),
    dataRate: unenforceable(NO_DATA_RATE),
    data: unenforceable(NO_DATA_RATE),
  })
  .prefault({})
  .describe('What else holds for whoever has this policy.')
  .transform(
    ({ lifetime, sources, connectionTypes, windows, sessions, sessionsPerCredential, keepSessions }) => ({
      ...(lifetime === undefined ? {} : { lifetimeSeconds: Math.floor(lifetime / 1_000) }),
      ...(sources === undefined ? {} : { sources }),
      ...(connectionTypes === undefined ? {} : { connectionTypes }),
      ...(windows === undefined ? {} : { windows }),
      ...(sessions === undefined ? {} : { sessions }),
      ...(sessionsPerCredential === undefined ? {} : { sessionsPerCredential }),
      ...(keepSessions === undefined ? {} : { keepSessions }),
    }),
  )
