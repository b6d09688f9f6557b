import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { ask } from './bus.ts'

const LARGE = 70
const AT_ONCE = 60

let world: World
let admin: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
  await command(admin, 'account.create', { name: 'LARGE' })
  const metadata = Object.fromEntries(Array.from({ length: 58 }, (_, n) => [`k${n}`, 'x'.repeat(1_000)]))
  for (let n = 0; n < LARGE; n += 1)
    await command(admin, 'user.create', { account: 'LARGE', name: `large-${n}`, metadata })
  await eventually(async () => (await everything('event.list', EVENTS)).length === LARGE)
})
afterAll(() => world[Symbol.asyncDispose]())

const EVENTS = { account: 'LARGE', subject: 'user.registered' }
const USERS = { account: 'LARGE' }

interface Listed {
  readonly items: readonly unknown[]
  readonly next?: number
}

/** Every page of it. */
async function everything(name: string, request: object): Promise<readonly unknown[]> {
  const found: unknown[] = []
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = (await command(admin, name, { ...request, limit: 500, after })) as unknown as Listed
    found.push(...page.items)
    after = page.next
  }
  return found
}

describe.each([
  ['event.list', EVENTS],
  ['user.list', USERS],
])('%s of what is large', (name, request) => {
  it('keeps nobody out, however many ask at once', async () => {
    const asking = Array.from({ length: AT_ONCE }, () =>
      ask(admin, { command: name, payload: { ...request, limit: 500 } }),
    )
    const alice = await world.connectAs('alice@example.com')
    expect(await ask(alice, { command: 'whoami' })).toMatchObject({ status: 200 })
    const statuses = (await Promise.all(asking)).map(({ status }) => status)
    expect(statuses.filter((status) => ![200, 429].includes(status))).toEqual([])
    expect(statuses).toContain(200)
    expect(world.heard.failures).toEqual([])
    expect(world.heard.log.filter((line) => line.includes('nats.connected'))).toHaveLength(1)
  })

  it('has everything, page for page', async () => {
    expect(await everything(name, request)).toHaveLength(LARGE)
  })
})
