import { z } from 'zod'
import { command } from './command.ts'

const whoami = command({
  name: 'whoami',
  summary: 'Who the bus says you are, and what you may do.',
  access: 'everyone',
  request: z.strictObject({}),
  async handle(_, { tx, grantOf }) {
    const { account, user, grant } = await grantOf(tx.context.actor)
    return {
      account: { id: account.id, name: account.name },
      user: { id: user.id, name: user.name },
      grant,
    }
  },
})

export const identityCommands = { whoami }
