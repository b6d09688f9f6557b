import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NatsConnection } from '@nats-io/transport-node'
import { EVERY_ACCOUNT, EVERY_POLICY, EVERY_ROLE, usersFilter } from '../../src/domain/state-keys.ts'
import { openWorld, type World } from '../support/world.ts'
import { ask, type Reply } from './bus.ts'
import { openDoor, type Door } from './door.ts'

/** What one command reads and another takes away, at the same time. */

let world: World
let door: Door
/** A connection each, so that what is sent at the same time is. */
let one: NatsConnection
let other: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  door = await openDoor(world)
  one = await world.connectAs('admin')
  other = await world.connectAs('admin')
})
afterAll(() => world[Symbol.asyncDispose]())

interface Sent {
  readonly command: string
  readonly payload: object
}

async function race(first: Sent, second: Sent): Promise<readonly [Reply, Reply]> {
  return Promise.all([ask(one, first), ask(other, second)])
}

const ROUNDS = 6

/** A race that is run so often, each time by itself. */
function again(name: string, round: (n: number) => Promise<void>): void {
  it(name, { timeout: 60_000 }, async () => {
    for (let n = 0; n < ROUNDS; n += 1) await round(n)
  })
}

async function valuesOf<Value>(filter: string): Promise<readonly Value[]> {
  const values: Value[] = []
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = await world.gatehouse.admin.store.page(filter, { after, limit: 500 })
    values.push(...page.entries.map(({ value }) => value as Value))
    after = page.next
  }
  return values
}

interface Named {
  readonly id: string
  readonly name: string
  readonly scope: string
}
interface Assigned extends Named {
  readonly policies?: readonly string[]
  readonly roles?: readonly string[]
  readonly defaultPolicy?: string
  readonly boundaryPolicy?: string
}

/** Everything that is named somewhere, and is not there. */
async function dangling(): Promise<readonly string[]> {
  const [accounts, policies, roles] = await Promise.all([
    valuesOf<Assigned>(EVERY_ACCOUNT),
    valuesOf<Named>(EVERY_POLICY),
    valuesOf<Assigned>(EVERY_ROLE),
  ])
  const users = (await Promise.all(accounts.map(({ id }) => valuesOf<Assigned>(usersFilter(id))))).flat()
  const there = new Set([...policies, ...roles, ...accounts].map(({ id }) => id))
  const named = [...accounts, ...roles, ...users].flatMap((each) => [
    ...(each.policies ?? []),
    ...(each.roles ?? []),
    ...[each.defaultPolicy, each.boundaryPolicy].filter((id) => id !== undefined),
  ])
  const scopes = [...policies, ...roles].map(({ scope }) => scope).filter((scope) => scope !== 'operator')
  return [...named, ...scopes].filter((id) => !there.has(id))
}

/** Exactly one of the two is done, and nothing hangs in the air. */
async function expectOne([first, second]: readonly [Reply, Reply]): Promise<void> {
  const statuses = [first.status, second.status]
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  expect([400, 404, 409]).toContain(statuses.find((status) => status !== 200))
  expect(await dangling()).toEqual([])
}

/** Whoever is there is let in, and is told what it may do. */
async function expectWhole(user: string): Promise<void> {
  const { status, body } = await door.command('user.issue-token', { account: 'ORDERS', user })
  if (status === 404) return
  await world.gatehouse.directory.upToDate()
  const nc = await door.enter(String(body['token']))
  expect((await ask(nc, { command: 'whoami' })).status).toBe(200)
  await nc.close()
}

describe('a policy that is deleted while', () => {
  const create = (name: string) => door.done('policy.create', { name, publish: { allow: [`${name}.>`] } })
  const gone = (policy: string): Sent => ({ command: 'policy.delete', payload: { policy } })

  again('a user is made with it', async (n) => {
    const [policy, name] = [`made-${n}`, `maker-${n}`]
    await create(policy)
    const payload = { account: 'ORDERS', name, policies: ['developer', policy] }
    await expectOne(await race({ command: 'user.create', payload }, gone(policy)))
    await expectWhole(name)
  })

  again('it is given to a user', async (n) => {
    const [policy, user] = [`given-${n}`, `getter-${n}`]
    await Promise.all([create(policy), door.done('user.create', { account: 'ORDERS', name: user })])
    const payload = { account: 'ORDERS', user, policy }
    await expectOne(await race({ command: 'user.assign-policy', payload }, gone(policy)))
    await expectWhole(user)
  })

  again('a role gets it', async (n) => {
    const [policy, role] = [`in-role-${n}`, `role-${n}`]
    await create(policy)
    if (n % 2 === 0) {
      const payload = { name: role, policies: [policy] }
      return expectOne(await race({ command: 'role.create', payload }, gone(policy)))
    }
    await door.done('role.create', { name: role, policies: [] })
    const payload = { role, policies: ['developer', policy] }
    await expectOne(await race({ command: 'role.update', payload }, gone(policy)))
  })

  again('an account gets it', async (n) => {
    const [policy, account] = [`of-account-${n}`, `OWNER-${n}`]
    await create(policy)
    if (n % 3 === 0) {
      const payload = { name: account, defaultPolicy: policy }
      return expectOne(await race({ command: 'account.create', payload }, gone(policy)))
    }
    await door.done('account.create', { name: account })
    const command = n % 3 === 1 ? 'account.set-default-policy' : 'account.set-boundary-policy'
    await expectOne(await race({ command, payload: { account, policy } }, gone(policy)))
  })
})

again('a role that is deleted while it is given to somebody', async (n) => {
  const [role, user] = [`shift-${n}`, `worker-${n}`]
  await door.done('role.create', { name: role, policies: ['developer'] })
  const gone = { command: 'role.delete', payload: { role } }
  if (n % 2 === 0) {
    const payload = { account: 'ORDERS', name: user, roles: [role] }
    await expectOne(await race({ command: 'user.create', payload }, gone))
  } else {
    await door.done('user.create', { account: 'ORDERS', name: user })
    const payload = { account: 'ORDERS', user, role }
    await expectOne(await race({ command: 'user.assign-role', payload }, gone))
  }
  await expectWhole(user)
})

describe('an account that is deleted, unless it is used, while', () => {
  const stays = async (n: number, made: (account: string) => Sent): Promise<void> => {
    const account = `BRIEF-${n}`
    await door.done('account.create', { name: account })
    const replies = await race(made(account), { command: 'account.delete', payload: { account } })
    await expectOne(replies)
    const isThere = replies[0].status === 200
    expect((await door.command('account.get', { account })).status).toBe(isThere ? 200 : 404)
  }
  const policies = ['developer']

  again('somebody comes into it', (n) =>
    stays(n, (account) => ({ command: 'user.create', payload: { account, name: 'new', policies } })),
  )

  again('it gets a policy or a role', (n) =>
    stays(ROUNDS + n, (account) =>
      n % 2 === 0
        ? { command: 'policy.create', payload: { account, name: 'own', publish: { allow: ['own.>'] } } }
        : { command: 'role.create', payload: { account, name: 'own', policies } },
    ),
  )

  again('another imports from it', async (n) => {
    const [account, importer] = [`EXPORTER-${n}`, `IMPORTER-${n}`]
    await door.done('account.create', { name: account })
    await door.done('account.create', { name: importer })
    const exports = [{ subject: 'out.>', type: 'stream', access: 'public' }]
    await door.done('account.update-exports', { account, exports })
    const imports = [{ account, subject: 'out.>', type: 'stream' }]
    await expectOne(
      await race(
        { command: 'account.update-imports', payload: { account: importer, imports } },
        { command: 'account.delete', payload: { account } },
      ),
    )
  })
})

describe('nothing is done any more once it is told that', () => {
  /** Sends many commands, and one that ends it before they are done. Its revision. */
  const cutOff = async (token: string, commands: readonly Sent[], end: Sent): Promise<number> => {
    await world.gatehouse.directory.upToDate()
    const nc = await door.enter(token)
    const sent = Promise.allSettled(commands.map((command) => ask(nc, command)))
    await nc.flush()
    const revision = Number((await door.done(end.command, end.payload))['revision'])
    const done = (await sent).map((each) => (each.status === 'fulfilled' ? each.value.status : 'cut off'))
    expect([200, 403, 'cut off']).toEqual(expect.arrayContaining(done))
    await nc.close()
    return revision
  }
  const after = async (revision: number, filter: string): Promise<readonly string[]> => {
    const { entries } = await world.gatehouse.admin.store.page(filter, { after: revision, limit: 500 })
    return entries.map(({ value }) => (value as Named).name)
  }

  again('an admin is locked', async (n) => {
    const user = `leaver-${n}`
    const { token } = await door.newcomer('ADMIN', user, { policies: ['admin'] })
    const policy = `argued-over-${n}`
    await door.done('policy.create', { name: policy })
    // They get into each other's way, so that some are decided anew after the lock.
    const late = Array.from({ length: 20 }, (_, i) => ({
      command: 'policy.set-description',
      payload: { policy, description: `mine ${i}` },
    }))
    const end = { command: 'user.lock', payload: { account: 'ADMIN', user, reason: 'left' } }
    expect(await after(await cutOff(token, late, end), EVERY_POLICY)).toEqual([])
  })

  again('an account is suspended, by one of its own admins', async (n) => {
    const account = `TENANT-${n}`
    const { account: id } = await door.done('account.create', { name: account })
    const { token } = await door.newcomer(account, 'boss', { policies: ['account-admin'] })
    const late = Array.from({ length: 8 }, (_, i) => ({
      command: 'user.create',
      payload: { account, name: `late-${i}` },
    }))
    const end = { command: 'account.suspend', payload: { account, reason: 'unpaid' } }
    expect(await after(await cutOff(token, late, end), usersFilter(String(id)))).toEqual([])
  })
})
