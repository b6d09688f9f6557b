import type { NatsConnection } from '@nats-io/transport-node'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commands } from '../../src/admin/commands.ts'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { systemAuthenticator } from '../support/cluster-servers.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { ask } from './bus.ts'

/** Commands that change nothing, whatever account they name. */
const READING = /\.(?:get|list|count|history|show|denials)$|^explain\.|^whoami$/

/** Commands about an account, each with the payload that its documentation shows. */
const changing = commands.flatMap(({ name, example }) =>
  !READING.test(name) && 'account' in (example as object) ? [{ name, example: example }] : [],
)

describe.each([
  ['newest', newestServer],
  ['oldest', oldestServer],
])('the place of the service (%s server)', (_, find) => {
  let world: World
  let admin: NatsConnection
  let system: NatsConnection
  beforeAll(async () => {
    world = await openWorld({ binary: await find() })
    admin = await world.connectAs('admin')
    system = await connect({ servers: world.server.url, authenticator: systemAuthenticator(world.trust) })
  })
  afterAll(async () => {
    await system.close()
    await world[Symbol.asyncDispose]()
  })

  const place = (): unknown => world.gatehouse.connection.nc.info?.client_id
  const jwtOf = async (account: string): Promise<string> =>
    (await system.request(`$SYS.REQ.ACCOUNT.${account}.CLAIMS.LOOKUP`)).string()
  const jwts = async () => [await jwtOf(world.trust.chain.callout), await jwtOf(world.trust.chain.system)]

  it('is out of reach of every command, by the name of its account and by its key', async () => {
    const { callout, system: systemAccount } = world.trust.chain
    const before = [place(), ...(await jwts())]
    expect(changing.length).toBeGreaterThan(20)
    for (const account of ['AUTH', 'SYS', callout, systemAccount])
      for (const { name, example } of changing) {
        const { status, error, body } = await ask(admin, { command: name, payload: { ...example, account } })
        const isRefused = status === 403 && /belongs to Gatehouse|carries the system/.test(error.message)
        const isNobody = status === 404 && error.message.startsWith('there is no ')
        const isNothing = name === 'session.kick' && body['affected'] === 0
        expect([account, name, isRefused || isNobody || isNothing]).toEqual([account, name, true])
      }
    await world.gatehouse.accountsPushed()
    expect([place(), ...(await jwts())]).toEqual(before)
  })

  it.each(['gatehouse', 'service', 'sentinel'])('has no user to lock, delete or revoke: %s', async (user) => {
    for (const name of [user, world.trust.chain.serviceUser])
      for (const command of ['user.lock', 'user.delete', 'user.set-expiry', 'user.issue-token']) {
        const reason = command === 'user.lock' ? { reason: 'an attack' } : {}
        const { status } = await ask(admin, { command, payload: { account: 'AUTH', user: name, ...reason } })
        const expected = name === user ? 404 : 400 // No user has the name of a key.
        expect([command, name, status]).toEqual([command, name, expected])
      }
  })

  it('is not lost by changes of the operator: its keys are rotated, its old ones stay until servers know the new', async () => {
    const before = place()
    const { body } = await ask(admin, { command: 'operator.get' })
    const [{ publicKey }] = (body['operator'] as { signingKeys: [{ publicKey: string }] }).signingKeys
    await ask(admin, { command: 'operator.rotate-signing-key', payload: { retire: publicKey } })
    const revoked = await ask(admin, {
      command: 'operator.revoke-signing-key',
      payload: { key: publicKey, reason: 'attack' },
    })
    expect(revoked.status).not.toBe(200)
    await world.gatehouse.accountsPushed()
    expect(place()).toBe(before)
    expect((await ask(admin, { command: 'whoami' })).status).toBe(200)
  })

  it('is taken again at once when a server operator kicks it, again and again, and is never given up', async () => {
    for (let kicks = 0; kicks < 5; kicks += 1) {
      const { nc } = world.gatehouse.connection
      const before = place()
      const body = JSON.stringify({ cid: before })
      await system.request(`$SYS.REQ.SERVER.${nc.info?.server_id ?? ''}.KICK`, body)
      await eventually(() => world.gatehouse.connection.isConnected && place() !== before)
      expect(nc.isClosed()).toBe(false)
    }
    await eventually(
      async () => (await world.connectAs('alice@example.com').catch(() => undefined)) !== undefined,
    )
  })
})
