import { z } from 'zod'
import { accountReference } from './account.ts'
import { command } from './command.ts'
import { boundOf } from './delegation.ts'
import { instant } from './fields.ts'
import { LENGTH_MAX, paging } from './listing.ts'
import { accountNamed } from './lookup.ts'

/** What happened, from the audit stream. */

const eventSeen = z.object({
  sequence: z.number().describe('Its place in the audit stream.'),
  subject: z.string().describe('Where the audit stream has it.'),
  data: z.record(z.string(), z.unknown()).describe('What happened.'),
  metadata: z.record(z.string(), z.unknown()).describe('Who did it, by which command.'),
})

const listEvents = command({
  name: 'event.list',
  summary: 'Lists what happened, oldest first, a page at a time.',
  access: 'account',
  request: z.strictObject({
    account: accountReference
      .optional()
      .describe('What happened there. Absent: in your own account; for admins of the system, anywhere.'),
    subject: z
      .string()
      .regex(/^(?:[a-z_]+|\*)\.(?:[a-z_]+|\*)$/, 'must be as user.registered, user.* or *.deleted')
      .optional()
      .describe('Which events: `<aggregate>.<type>`, each of them or * for any.'),
    since: instant.optional().describe('From then on. `after` goes before it.'),
    ...paging,
  }),
  response: z.object({
    items: z.array(eventSeen).describe('One page of them.'),
    next: z.number().optional().describe('What the next request says as `after`; absent at the end.'),
  }),
  example: { account: 'ORDERS', subject: 'user.*', since: '2027-01-31T12:00:00Z' },
  async handle({ account, subject = '*.*', ...from }, { tx, events, reach }) {
    const bound = boundOf(reach)
    const of = account === undefined ? bound : (await accountNamed(tx, account)).id
    const found = await events.read(`${of ?? '*'}.${subject}`, { ...from, lengthMax: LENGTH_MAX })
    const next = found.isMore ? found.events.at(-1)?.sequence : undefined
    return { items: found.events, ...(next !== undefined && { next }) }
  },
})

export const eventCommands = { listEvents }
