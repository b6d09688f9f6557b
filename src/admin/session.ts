import { z } from 'zod'
import { accountReference } from './account.ts'
import type { AccountServers } from './account-jwts.ts'
import { command } from './command.ts'
import { name } from './fields.ts'
import { accountNamed } from './lookup.ts'

/** Who is connected now. What the servers say counts: no replica knows of the connections of another. */

/** How many users may be asked for at a time. */
export const COUNTED_USERS_MAX = 1_000

/** Up to so many are asked for one by one; beyond that all connections of the account are sooner read. */
const ONE_BY_ONE_MAX = 20

const countSessions = command({
  name: 'session.count',
  summary: 'Counts the live sessions in an account, of all its users or of some.',
  access: 'account',
  request: z.strictObject({
    account: accountReference,
    users: z
      .array(name)
      .min(1)
      .max(COUNTED_USERS_MAX)
      .optional()
      .describe('Names of users: only theirs, each counted. Absent: all of them together.'),
  }),
  response: z.object({
    sessions: z.number().describe('How many connections, all together. Leaf nodes do not count.'),
    users: z
      .array(
        z.object({
          user: z.string().describe('The name of the user.'),
          sessions: z.number().describe('How many it has.'),
        }),
      )
      .describe('Those that were asked for and are connected.'),
  }),
  example: { account: 'ORDERS', users: ['alice@example.com'] },
  async handle({ account, users }, { tx, servers }) {
    const { id } = await accountNamed(tx, account)
    const counts = await countsOf(servers, id, users)
    const counted = (users === undefined ? [] : [...new Set(users)]).flatMap((user) => {
      const sessions = counts.get(user) ?? 0
      return sessions === 0 ? [] : [{ user, sessions }]
    })
    const told = users === undefined ? [...counts.values()] : counted.map(({ sessions }) => sessions)
    return { sessions: told.reduce((sum, each) => sum + each, 0), users: counted }
  },
})

async function countsOf(
  servers: AccountServers,
  account: string,
  users: readonly string[] | undefined,
): Promise<ReadonlyMap<string, number>> {
  if (users === undefined || users.length > ONE_BY_ONE_MAX) return servers.connectionsOf(account)
  const each = await Promise.all(users.map((user) => servers.connectionsOf(account, user)))
  return new Map(each.flatMap((counts) => [...counts]))
}

export const sessionCommands = { countSessions }
