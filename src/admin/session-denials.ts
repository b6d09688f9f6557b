import { isIP } from 'node:net'
import { z } from 'zod'
import { bitsOf, holding } from '../domain/network.ts'
import { accountReference } from './account.ts'
import { command } from './command.ts'
import { boundOf } from './delegation.ts'
import type { LoggedEvent } from './event-log.ts'
import { instant, name } from './fields.ts'
import { LENGTH_MAX, paging } from './listing.ts'
import { accountNamed } from './lookup.ts'
import { cidrFault } from './network.ts'
import { REASONS_WITH_WORDS, reasonWords } from './reason-words.ts'

/** Who was not let in and why: what a refused client is never told, its owner may ask. */

/** Events that one request looks through; who asks goes on from there. */
const LOOKED_AT_MAX = 20_000
const STEP = 1_000

/** An address as the network that holds it alone. */
const network = z
  .string()
  .transform((text) => (isIP(text) === 0 ? text : `${text}/${bitsOf(text).length}`))
  .superRefine((text, context) => {
    const rule = text.includes('/') ? cidrFault(text) : 'must be an address such as 10.1.2.3, or a network'
    if (rule !== undefined) context.addIssue({ code: 'custom', message: rule })
  })

const denialSeen = z.object({
  sequence: z.number().describe('Its place in the audit stream.'),
  time: z.string().describe('When.'),
  user: z.string().optional().describe('Whom the credential, or the name, led to. Absent: nobody.'),
  account: z.string().optional().describe('The A… key of its account.'),
  source: z.string().optional().describe('The address of the client.'),
  client: z.string().optional().describe('What the client says it is.'),
  reason: z.string().describe('A code of docs/decision.md.'),
  words: z.string().describe('The same for people, with what to do.'),
  detail: z.string().optional().describe('What it was about; of a lockout, when it ends.'),
  count: z.number().describe('How many like it this one stands for.'),
  decision: z.string().optional().describe('What explain.decision asks for.'),
})
type Denial = z.output<typeof denialSeen>

const listDenials = command({
  name: 'session.denials',
  summary: 'Lists clients that were refused, with the reason, oldest first, a page at a time.',
  access: 'account',
  request: z.strictObject({
    account: accountReference
      .optional()
      .describe('Of its users. Absent: of your own account; for admins of the system, all and everybody.'),
    user: name.optional().describe('Only those of that user.'),
    source: network.optional().describe('Only those from that address or network.'),
    reason: z
      .string()
      .refine((code) => REASONS_WITH_WORDS.includes(code), 'must be a code of docs/decision.md')
      .optional()
      .describe('Only those for that reason.'),
    since: instant.optional().describe('From then on. `after` goes before it.'),
    ...paging,
  }),
  response: z.object({
    items: z
      .array(denialSeen)
      .describe('One page of them. It may be short, or empty, and still not the last.'),
    next: z.number().optional().describe('What the next request says as `after`; absent at the end.'),
  }),
  example: { account: 'ORDERS', user: 'alice@example.com', since: '2027-01-31T12:00:00Z' },
  async handle({ account, user, source, reason, since, ...place }, { tx, events, reach }) {
    const of = account === undefined ? boundOf(reach) : (await accountNamed(tx, account)).id
    const isFrom = source === undefined ? () => true : holdsText(holding([source]))
    const isWanted = (denial: Denial): boolean =>
      (user === undefined || denial.user === user) &&
      (reason === undefined || denial.reason === reason) &&
      isFrom(denial.source)
    const items: Denial[] = []
    let [from, looked] = [place.after, 0]
    while (looked < LOOKED_AT_MAX) {
      const page = await events.read(`${of ?? '*'}.user.login_failed`, {
        after: from,
        since,
        limit: Math.min(STEP, LOOKED_AT_MAX - looked),
        lengthMax: LENGTH_MAX,
      })
      for (const event of page.events) {
        from = event.sequence
        const denial = denialOf(event)
        if (isWanted(denial)) items.push(denial)
        if (items.length === place.limit) break
      }
      looked += page.events.length
      if (items.length === place.limit) break
      if (!page.isMore) return { items }
    }
    return { items, next: from }
  },
})

function holdsText(holds: (address: string) => boolean): (text: string | undefined) => boolean {
  return (text = '') => isIP(text) !== 0 && holds(text)
}

const told = z.object({
  timestamp: z.string(),
  name: z.string().optional(),
  accountId: z.string().optional(),
  ip: z.string().optional(),
  userAgent: z.string().optional(),
  reason: z.string(),
  detail: z.string().optional(),
  count: z.number().default(1),
  decisionId: z.string().optional(),
})

function denialOf({ sequence, data }: LoggedEvent): Denial {
  const { timestamp, name, accountId, ip, userAgent, reason, detail, count, decisionId } = told.parse(data)
  return {
    sequence,
    time: timestamp,
    user: name,
    account: accountId,
    source: ip,
    client: userAgent,
    reason,
    words: reasonWords(reason),
    detail,
    count,
    decision: decisionId,
  }
}

export const denialCommands = { listDenials }
