import { z } from 'zod'
import { inboxPrefixOf } from '../domain/entries.ts'
import type { Grant } from '../domain/grant.ts'
import { maySubscribe } from '../domain/verdict.ts'
import { allOpenUntil } from '../domain/window.ts'
import { grantSeen, named } from './answers.ts'
import { command } from './command.ts'

const whoami = command({
  name: 'whoami',
  summary: 'Who the bus says you are, what you may do, and when that ends.',
  access: 'everyone',
  request: z.strictObject({}),
  response: z.object({
    account: named.describe('Where you are.'),
    user: named.describe('Who you are.'),
    grant: grantSeen.describe('What you may do, if you connected now.'),
    inboxPrefix: z
      .string()
      .optional()
      .describe(
        'What a client has to set for an inbox that is yours alone. Absent: no policy gives you one.',
      ),
    sharedInbox: z
      .boolean()
      .describe('May you hear replies in `_INBOX.>`, where clients want them by default?'),
    until: z
      .string()
      .optional()
      .describe('When this connection ends at the latest: sooner if its credential does. Absent: never.'),
  }),
  example: {},
  async handle(_, { tx: { context }, grantOf, now }) {
    const { account, user, grant } = await grantOf(context.actor)
    const { lifetimeSeconds, windows = [] } = grant
    const lifetime =
      lifetimeSeconds === undefined || context.connectedAt === undefined
        ? undefined
        : Date.parse(context.connectedAt) + lifetimeSeconds * 1_000
    const expiries = [account.expiresAt, user.expiresAt].map((time) =>
      time === undefined ? undefined : Date.parse(time),
    )
    return {
      account: { id: account.id, name: account.name },
      user: { id: user.id, name: user.name },
      grant,
      ...(hears(grant, inboxPrefixOf(user)) && { inboxPrefix: inboxPrefixOf(user) }),
      sharedInbox: hears(grant, '_INBOX'),
      until: earliest([...expiries, lifetime, allOpenUntil(windows, now().getTime())]),
    }
  },
})

/** In inboxes of that prefix, as client libraries subscribe to them. */
function hears({ subscribe }: Grant, prefix: string): boolean {
  return maySubscribe(subscribe, `${prefix}.*.*`).allowed
}

/** RFC 3339. */
function earliest(times: readonly (number | undefined)[]): string | undefined {
  const end = Math.min(...times.map((time) => time ?? Infinity))
  return end === Infinity ? undefined : new Date(end).toISOString()
}

export const identityCommands = { whoami }
