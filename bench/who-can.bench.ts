import { afterAll, bench, beforeAll, describe } from 'vitest'
import type { NatsConnection } from '@nats-io/transport-node'
import { WHO_CAN_PAGE_MAX } from '../src/admin/explain-who-can.ts'
import type { Write } from '../src/admin/state-store.ts'
import { EVERY_USER, userKey } from '../src/domain/state-keys.ts'
import type { User } from '../src/domain/user.ts'
import { openWorld, type World } from '../test/support/world.ts'

// Question: how long does `who-can` take over a hundred thousand users, and how long until the first of them are there?
// The floor is reading all users from the store without looking at them. Run with `npm run bench`.

const USERS = 100_000
/** Users of one commit. */
const COMMIT = 500

let world: World
let admin: NatsConnection

beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
  const created = await ask('account.create', { name: 'CROWD' })
  const { policy } = await ask('policy.create', {
    name: 'regional',
    publish: { allow: ['region.{{user.metadata.region}}.>'] },
  })
  const developer = await ask('policy.get', { policy: 'developer' })
  const ids = [String(policy), (developer['policy'] as { readonly id: string }).id]
  const { store } = world.gatehouse.admin
  for (let from = 0; from < USERS; from += COMMIT) {
    const users = Array.from({ length: COMMIT }, (_, n) => userOf(String(created['account']), from + n, ids))
    await store.commit(users)
  }
}, 600_000)

afterAll(() => world[Symbol.asyncDispose]())

/** Half of them have a policy without templates alone, half one that asks for metadata as well. */
function userOf(account: string, n: number, [regional = '', developer = '']: readonly string[]): Write {
  const id = `U${n}`
  const user: User = {
    status: 'present',
    id,
    account,
    name: `user-${n}`,
    policies: n % 2 === 0 ? [developer] : [developer, regional],
    roles: [],
    credentials: [
      { id: 'c', kind: 'token', hash: n.toString(16).padStart(64, '0'), createdAt: '2026-01-01T00:00:00Z' },
    ],
    metadata: { region: `r${n % 100}` },
    createdAt: '2026-01-01T00:00:00Z',
  }
  return { key: userKey(account, id), value: user, expected: 0 }
}

async function ask(name: string, payload: unknown): Promise<Readonly<Record<string, unknown>>> {
  const reply = await admin.request(`auth.v1.${name}`, JSON.stringify(payload), { timeout: 30_000 })
  const body = reply.json<Readonly<Record<string, unknown>>>()
  if (body['error'] !== undefined) throw new Error(JSON.stringify(body['error']))
  return body
}

/** Every page, and how many are in them. */
async function everybodyWho(subject: string): Promise<number> {
  let count = 0
  for (let after: unknown = 0; after !== undefined;) {
    const page = await ask('explain.who-can', { action: 'publish', subject, limit: WHO_CAN_PAGE_MAX, after })
    count += (page['items'] as readonly unknown[]).length
    after = page['next']
  }
  return count
}

function expectCount(count: number, expected: number): void {
  if (count !== expected) throw new Error(`found ${count}, not ${expected}`)
}

const once = { iterations: 3, time: 0, warmupIterations: 0, warmupTime: 0 }

describe('who can, of 100,000 users', () => {
  bench('everybody', async () => expectCount(await everybodyWho('orders.new'), USERS + 1), once)
  bench(
    'one in a hundred, by metadata',
    async () => expectCount(await everybodyWho('region.r7.x'), USERS / 100),
    once,
  )
  bench(
    'the first page',
    async () => {
      await ask('explain.who-can', { action: 'publish', subject: 'orders.new', limit: 100 })
    },
    once,
  )
  bench(
    'floor: reading them all',
    async () => {
      let count = 0
      for (let after: number | undefined = 0; after !== undefined;) {
        const page = await world.gatehouse.admin.store.page(EVERY_USER, { after, limit: 5_000 })
        count += page.entries.length
        after = page.next
      }
      expectCount(Math.min(count, USERS), USERS)
    },
    once,
  )
})
