import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accountServers } from '../../src/nats/account-servers.ts'
import { command } from '../support/clients.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let account: string
beforeAll(async () => {
  world = await openWorld()
  const admin = await world.connectAs('admin')
  const reply = await command(admin, 'account.get', { account: 'ORDERS' })
  account = (reply['account'] as { readonly id: string }).id
})
afterAll(() => world[Symbol.asyncDispose]())

describe('the connections of an account', () => {
  const asking = (options: { servers?: number; page?: number } = {}) => {
    const { servers = 1, ...rest } = options
    return accountServers(world.gatehouse.connection.nc, () => ({ size: servers }), rest)
  }

  it('are counted by user, page by page, whatever is on the last one', async () => {
    for (const user of ['alice@example.com', 'bob@example.com', 'alice@example.com', 'alice@example.com'])
      await world.connectAs(user)
    const all = new Map(Object.entries({ 'alice@example.com': 3, 'bob@example.com': 1 }))
    for (const page of [1, 2, 3, 4, 5, 1_024]) {
      expect(await asking({ page }).connectionsOf(account), `pages of ${page}`).toEqual(all)
    }
    const alice = new Map(Object.entries({ 'alice@example.com': 3 }))
    expect(await asking({ page: 2 }).connectionsOf(account, 'alice@example.com')).toEqual(alice)
    expect(await asking().connectionsOf(account, 'nobody')).toEqual(new Map())
  })

  it('are unknown when a server does not answer', async () => {
    await expect(asking({ servers: 2 }).connectionsOf(account)).rejects.toMatchObject({ code: 'unavailable' })
  })
})
