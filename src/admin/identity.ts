import { z } from 'zod'
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
    until: z
      .string()
      .optional()
      .describe('When this connection ends at the latest: sooner if its credential does. Absent: never.'),
  }),
  example: {},
  async handle(_, { tx: { context }, grantOf }) {
    const { account, user, grant } = await grantOf(context.actor)
    const { lifetimeSeconds } = grant
    const lifetime =
      lifetimeSeconds === undefined || context.connectedAt === undefined
        ? undefined
        : new Date(Date.parse(context.connectedAt) + lifetimeSeconds * 1_000).toISOString()
    return {
      account: { id: account.id, name: account.name },
      user: { id: user.id, name: user.name },
      grant,
      until: earliest([account.expiresAt, user.expiresAt, lifetime]),
    }
  },
})

function earliest(times: readonly (string | undefined)[]): string | undefined {
  const known = times.flatMap((time) => (time === undefined ? [] : Date.parse(time)))
  return known.length === 0 ? undefined : new Date(Math.min(...known)).toISOString()
}

export const identityCommands = { whoami }
