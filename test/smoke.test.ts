import { expect, it } from 'vitest'
import { openWorld } from './support/world.ts'

it('lets alice in with nothing but a token', async () => {
  await using world = await openWorld()
  const alice = await world.connectAs('alice@example.com')
  const me = (await alice.request('auth.v1.whoami')).json<{ user: { name: string } }>()
  expect(me.user.name).toBe('alice@example.com')
  expect(world.heard.failures).toEqual([])
})
