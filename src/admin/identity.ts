import { z } from 'zod'
import { compileGrant } from '../domain/grant.ts'
import { policyKey } from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import { policies } from './aggregates.ts'
import { command } from './command.ts'
import { accountNamed, userNamed } from './lookup.ts'

const whoami = command({
  name: 'whoami',
  summary: 'Who the bus says you are, and what you may do.',
  access: 'everyone',
  request: z.strictObject({}),
  async handle(_, { tx }) {
    const { actor } = tx.context
    const account = await accountNamed(tx, actor.account)
    const user = await userNamed(tx, account, actor.user)
    const ids =
      account.defaultPolicy === undefined ? user.policies : [account.defaultPolicy, ...user.policies]
    const loaded = await Promise.all(ids.map((id) => tx.load(policies, policyKey(id))))
    const compiled = compileGrant(
      user,
      account,
      loaded.filter((policy) => policy.status === 'active'),
    )
    if (!compiled.ok)
      throw new GatehouseError('not_found', `"${compiled.variable}" has no value, so there is no grant`)
    return {
      account: { id: account.id, name: account.name },
      user: { id: user.id, name: user.name },
      grant: compiled.grant,
    }
  },
})

export const identityCommands = { whoami }
