import { z } from 'zod'
import { EVERY_USER, usersFilter } from '../domain/state-keys.ts'
import type { User } from '../domain/user.ts'
import { accountReference } from './account.ts'
import { command } from './command.ts'
import { boundOf } from './delegation.ts'
import { paging } from './listing.ts'
import { accountNamed } from './lookup.ts'
import { asQuestion, question } from './question-fields.ts'
import { Survey } from './survey.ts'

/** Of one page. Each page costs asking who asks, and reading all policies: a large crowd wants large ones. */
export const WHO_CAN_PAGE_MAX = 1_500
/** Users that one request looks at; who asks goes on from there. */
const LOOKED_AT_MAX = 5_000

const permitted = z.object({
  policy: z.string().describe('The policy that lets it.'),
  version: z.number().describe('Its version.'),
  via: z.array(z.string()).describe('How the policy comes to the user: `user`, `default`, `role NAME`.'),
  entry: z.string().describe('The entry that does.'),
  account: z.string().describe('The name of its account.'),
  user: z.string().describe('The name of the user.'),
})

const whoCan = command({
  name: 'explain.who-can',
  line: { word: 'who-can', places: ['action', 'subject'] },
  summary: 'Lists who can publish or subscribe to a subject, by the policy that lets them.',
  access: 'account',
  request: z.strictObject({
    ...question,
    account: accountReference.optional().describe('Users of this account. Absent: of all, or of your own.'),
    ...paging,
    limit: z.int().min(1).max(WHO_CAN_PAGE_MAX).default(100).describe('How many at most.'),
  }),
  response: z.object({
    items: z.array(permitted).describe('One page of them, those of one policy together.'),
    barred: z
      .number()
      .describe('Users among those looked at who could, and are locked, expired or suspended.'),
    next: z.number().optional().describe('What the next request says as `after`; absent at the end.'),
  }),
  example: { action: 'publish', subject: 'orders.new' },
  async handle({ account, limit, after, ...asked }, { reach, ...scene }) {
    const { tx, store } = scene
    const survey = new Survey(asQuestion(asked), scene)
    const bound = boundOf(reach)
    const of = account === undefined ? bound : (await accountNamed(tx, account)).id
    const filter = of === undefined ? EVERY_USER : usersFilter(of)
    let from: number | undefined = after
    for (let left = LOOKED_AT_MAX; from !== undefined && left > 0 && survey.found < limit;) {
      const page = await store.page(filter, { after: from, limit: Math.min(left, limit - survey.found) })
      await survey.takeAll(page.entries.map(({ value }) => value as User))
      left -= page.entries.length
      from = page.next
    }
    return { items: survey.items(), barred: survey.barred, ...(from !== undefined && { next: from }) }
  },
})

export const whoCanCommands = { whoCan }
