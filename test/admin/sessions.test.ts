import type { NatsConnection } from '@nats-io/transport-node'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { executeFor } from '../../src/admin/execute.ts'
import { commands } from '../../src/admin/commands.ts'
import { startGatehouse, type Gatehouse } from '../../src/main.ts'
import { createTelemetry } from '../../src/telemetry.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { ask, type Reply } from './bus.ts'
import { openDoor, type Door } from './door.ts'

let world: World
let other: Gatehouse
let door: Door
let lead: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  const log = pino({ level: 'silent' })
  const telemetry = createTelemetry(log, () => undefined)
  other = await startGatehouse({ ...world, url: world.server.url, telemetry, log, replicas: 1 })
  door = await openDoor(world)
  await door.done('account.create', { name: 'SHOP' })
  await door.done('account.create', { name: 'ELSEWHERE' })
  for (const account of ['SHOP', 'ELSEWHERE']) {
    const names = { account, name: 'talk', publish: { allow: ['talk'] } }
    await door.done('policy.create', names)
  }
  const { token } = await door.newcomer('SHOP', 'lead', { policies: ['account-admin'] })
  await door.becomes(token, 'in')
  lead = await door.enter(token)
})
afterAll(async () => {
  await other[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

interface Item {
  readonly id: string
  readonly user: { readonly name: string }
  readonly [field: string]: unknown
}

let made = 0
/** A user of its own with two connections; resolves when the bucket has both. */
async function connected(account: string, facts: object = {}) {
  const name = `person-${(made += 1)}`
  const { token, credential } = await door.newcomer(account, name, { policies: ['talk'], ...facts })
  await door.becomes(token, 'in')
  const connections = [await door.enter(token), await door.enter(token)]
  const ids = connections.map(idOf)
  await eventually(async () => {
    const found = (await listed({ account, user: name })).map(({ id }) => id)
    return ids.every((id) => found.includes(id))
  })
  return { name, token, credential, connections, ids }
}

function idOf({ info }: NatsConnection): string {
  return `${info!.server_id}.${info!.client_id}`
}

/** Every page of it, as an admin sees it. */
async function listed(request: object, limit = 500): Promise<readonly Item[]> {
  const items: Item[] = []
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = await door.done('session.list', { ...request, limit, after })
    items.push(...(page['items'] as readonly Item[]))
    after = page['next'] as number | undefined
  }
  return items
}

const refusal = ({ status, error }: Reply) => [status, error.code, error.message]

describe('session.list', () => {
  it('tells who is connected, by what, and what it was granted by', async () => {
    const { name, credential, connections, ids } = await connected('SHOP')
    const { info } = connections[0]!
    const item = (await listed({ account: 'SHOP', user: name })).find(({ id }) => id === ids[0])
    expect(item).toMatchObject({
      account: { name: 'SHOP' },
      user: { name },
      credential,
      server: info?.server_id,
      cid: info?.client_id,
      source: '127.0.0.1',
      kind: 'Client',
      type: 'nats',
      client: { lang: 'nats.js' },
      policies: expect.arrayContaining([
        { id: expect.any(String) as string, name: 'talk', version: 1, via: 'user' },
      ]) as unknown,
      decision: expect.stringMatching(/^U[A-Z2-7]{55}$/) as string,
    })
    const { decision } = item as { decision?: string }
    const explained = await eventually(async () => {
      const { body } = await door.command('explain.decision', { decision })
      return body['decision'] as object | undefined
    })
    expect(explained).toMatchObject({ outcome: 'admitted', user: { name }, credential })
  })

  it('is narrowed by every word, alone and together', async () => {
    const one = await connected('SHOP')
    const two = await connected('ELSEWHERE')
    const ids = async (request: object) => new Set((await listed(request)).map(({ id }) => id))
    const policy = (await listed({ user: one.name }))[0]!['policies'] as { id: string; name: string }[]
    const talk = policy.find(({ name }) => name === 'talk')!.id

    for (const [request, has, hasNot] of [
      [{}, [...one.ids, ...two.ids], []],
      [{ account: 'SHOP' }, one.ids, two.ids],
      [{ user: one.name }, one.ids, two.ids],
      [{ credential: two.credential }, two.ids, one.ids],
      [{ account: 'SHOP', policy: 'talk' }, one.ids, two.ids],
      [{ policy: talk }, one.ids, two.ids],
      [{ policy: 'base' }, [...one.ids, ...two.ids], []],
      [{ account: 'SHOP', user: one.name, credential: one.credential, policy: talk }, one.ids, two.ids],
      [{ account: 'SHOP', user: two.name }, [], [...one.ids, ...two.ids]],
      [{ account: 'SHOP', credential: two.credential }, [], [...one.ids, ...two.ids]],
    ] as const) {
      const found = await ids(request)
      expect({ request, missing: has.filter((id) => !found.has(id)) }).toEqual({ request, missing: [] })
      expect({ request, beyond: hasNot.filter((id) => found.has(id)) }).toEqual({ request, beyond: [] })
    }
    expect(refusal(await door.command('session.list', { policy: 'none' }))).toEqual([
      404,
      'not_found',
      'there is no policy "none"',
    ])
  })

  it('goes on page after page, whichever replica is asked', async () => {
    const { name, token, ids } = await connected('SHOP')
    for (let n = 0; n < 3; n += 1) ids.push(idOf(await door.enter(token)))
    await eventually(async () => (await listed({ account: 'SHOP', user: name })).length >= 5)
    const list = commands.find((command) => command.name === 'session.list')!
    const actor = { account: world.trust.chain.admin, user: 'admin' }
    const found: string[] = []
    let after: unknown = 0
    for (let n = 0; after !== undefined; n += 1) {
      const { admin } = [world.gatehouse, other][n % 2]!
      const payload = { account: 'SHOP', user: name, limit: 1, after }
      const page = await executeFor(admin, list, { caller: { actor }, payload })
      found.push(...(page['items'] as readonly Item[]).map(({ id }) => id))
      after = page['next']
    }
    expect(found.filter((id) => ids.includes(id)).sort()).toEqual([...ids].sort())
  })

  it('shows an account its own alone', async () => {
    const ours = await connected('SHOP')
    const theirs = await connected('ELSEWHERE')
    const seen = async (payload: object) => {
      const { body } = await ask(lead, { command: 'session.list', payload: { limit: 500, ...payload } })
      return (body['items'] as readonly Item[]).map(({ id }) => id)
    }
    const all = await seen({})
    expect(ours.ids.filter((id) => !all.includes(id))).toEqual([])
    expect(theirs.ids.filter((id) => all.includes(id))).toEqual([])
    expect(await seen({ user: theirs.name })).toEqual([])
    expect(await seen({ credential: theirs.credential })).toEqual([])
    const other = await ask(lead, { command: 'session.list', payload: { account: 'ELSEWHERE' } })
    expect(other.error.code).toBe('forbidden')
  })
})

describe('session.show', () => {
  it('tells what its server says of it', async () => {
    const { ids, connections } = await connected('SHOP')
    const [nc] = connections
    nc!.publish('talk', 'hello')
    await nc!.flush()
    const { session } = await door.done('session.show', { id: ids[0] })
    expect(session).toMatchObject({ id: ids[0], state: 'open', traffic: { messagesIn: 1, bytesIn: 5 } })
  })

  it('finds none of another account, nor one that is none of ours', async () => {
    const { ids } = await connected('ELSEWHERE')
    const own = idOf(world.gatehouse.connection.nc)
    for (const [nc, id] of [
      [lead, ids[0]!],
      [lead, own],
      [await world.connectAs('admin'), own],
    ] as const) {
      const reply = await ask(nc, { command: 'session.show', payload: { id } })
      expect(refusal(reply)).toEqual([404, 'not_found', `there is no session ${id}`])
    }
    const { error } = await door.command('session.show', { id: 'x.1' })
    expect(error.faults).toEqual([{ where: 'id', rule: 'must be the id of a session: N….12' }])
  })
})

describe('session.kick', () => {
  const kick = (request: object) => door.done('session.kick', { reason: 'a test', ...request })

  it('ends exactly the session that is named', async () => {
    const { connections, ids } = await connected('SHOP')
    expect(await kick({ ids: [ids[0], ids[0]] })).toMatchObject({ affected: 1, kicked: 1, left: 0 })
    await connections[0]!.closed()
    await connections[1]!.flush()
  })

  it('ends what the words mean, and nothing else', async () => {
    const one = await connected('SHOP')
    const two = await connected('SHOP')
    const far = await connected('ELSEWHERE')
    expect(await kick({ user: 'nobody' })).toMatchObject({ affected: 0, kicked: 0, left: 0 })
    const { affected, kicked } = await kick({ credential: one.credential, account: 'SHOP' })
    expect([Number(affected) >= 2, kicked === affected]).toEqual([true, true])
    await Promise.all(one.connections.map((nc) => nc.closed()))
    await Promise.all([...two.connections, ...far.connections].map((nc) => nc.flush()))
  })

  it('lets them come back, unless the user is locked first', async () => {
    const { name, token, connections, ids } = await connected('SHOP')
    await kick({ ids })
    await Promise.all(connections.map((nc) => nc.closed()))
    await door.becomes(token, 'in')
    await door.done('user.lock', { account: 'SHOP', user: name, reason: 'a test' })
    await door.becomes(token, 'user_locked')
  })

  it('wants to be told which, by one way', async () => {
    const { ids } = await connected('SHOP')
    const faults = async (payload: object) =>
      (await door.command('session.kick', { reason: 'x', ...payload })).error.faults
    expect(await faults({})).toEqual([
      { where: 'ids', rule: 'say which sessions: their ids, or account, user, credential or policy' },
    ])
    expect(await faults({ ids, account: 'SHOP' })).toEqual([
      { where: 'account', rule: 'must not stand beside ids, which say already which sessions' },
    ])
  })

  it('touches the service itself under no name', async () => {
    const { nc } = world.gatehouse.connection
    const { status } = await door.command('session.kick', { ids: [idOf(nc)], reason: 'x' })
    expect(status).toBe(404)
    expect(await kick({ account: 'AUTH' })).toMatchObject({ affected: 0 })
    expect(await kick({ account: 'SYS' })).toMatchObject({ affected: 0 })
    await nc.flush()
    expect(world.heard.log.filter((line) => line.includes('nats.connected'))).toHaveLength(1)
  })

  it('ends for an account its own sessions alone, all of them or none', async () => {
    const ours = await connected('SHOP')
    const theirs = await connected('ELSEWHERE')
    const payload = { ids: [...ours.ids, ...theirs.ids], reason: 'x' }
    expect((await ask(lead, { command: 'session.kick', payload })).status).toBe(404)
    const byWord = { credential: theirs.credential, reason: 'x' }
    expect((await ask(lead, { command: 'session.kick', payload: byWord })).body).toMatchObject({
      affected: 0,
    })
    await Promise.all([...ours.connections, ...theirs.connections].map((nc) => nc.flush()))
    expect(
      (await ask(lead, { command: 'session.kick', payload: { ids: ours.ids, reason: 'x' } })).body,
    ).toMatchObject({ affected: 2, kicked: 2 })
    await Promise.all(ours.connections.map((nc) => nc.closed()))
  })
})
