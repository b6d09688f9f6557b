import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createUser } from '../support/clients.ts'
import { json, openCommandLine, type CommandLine } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'

let line: CommandLine
let admin: NatsConnection
beforeAll(async () => {
  line = await openCommandLine()
  admin = await line.world.connectAs('admin')
})
afterAll(() => line[Symbol.asyncDispose]())

/** Somebody in ORDERS who is connected, as often as that. Resolves when the list has all of it. */
async function connected(name: string, times: number) {
  const token = await createUser(admin, 'ORDERS', { name })
  const connections: NatsConnection[] = []
  while (connections.length < times)
    connections.push(await line.world.connect({ authenticator: tokenAuthenticator(token), name: 'till' }))
  const ids = connections.map(({ info }) => `${info!.server_id}.${info!.client_id}`)
  await eventually(async () => {
    const { out } = await line.admin(['session', 'list', '--user', name, '--json'])
    return (json(out)['items'] as unknown[]).length === times
  })
  return { connections, ids }
}

describe('gatehouse session', () => {
  it('list shows who is connected, with an id to go on from', async () => {
    const { ids } = await connected('seen', 1)
    const { out, code } = await line.admin(['session', 'list', '--account', 'ORDERS', '--user', 'seen'])
    expect(code).toBe(0)
    expect(out).toMatch(/^USER +SOURCE +CLIENT +SINCE +POLICIES +ID$/m)
    expect(out).toMatch(new RegExp(`^seen +127\\.0\\.0\\.1 +till nats\\.js +.* ${ids[0]!}$`, 'm'))
    const shown = await line.admin(['session', 'show', ids[0]!])
    expect(shown.out).toMatch(/^user\.name +seen$/m)
    expect(shown.out).toMatch(/^state +open$/m)
    expect(shown.out).toMatch(/^traffic\.subscriptions +\d+$/m)
    expect(shown.out).toMatch(/^decision +U[A-Z2-7]{55}$/m)
  })

  it('kick ends sessions by their ids, and by words', async () => {
    const { connections, ids } = await connected('kicked', 4)
    const named = await line.admin(['session', 'kick', ids[0]!, ids[1]!, '--reason', 'a test'])
    expect(named).toMatchObject({ code: 0, err: '' })
    expect(named.out).toMatch(/^2 sessions to end: 2 ended, 0 left\nTheir clients come back by themselves/)
    await Promise.all(connections.slice(0, 2).map((nc) => nc.closed()))

    const words = ['--account', 'ORDERS', '--user', 'kicked', '--reason', 'a test', '--json']
    expect(json((await line.admin(['session', 'kick', ...words])).out)).toMatchObject({ left: 0 })
    await Promise.all(connections.map((nc) => nc.closed()))
  })

  it('kick wants to be told which, and why', async () => {
    const none = await line.admin(['session', 'kick', '--reason', 'a test'])
    expect(none.code).toBe(2)
    expect(none.err).toContain('<ids>: say which sessions: their ids, or account, user, credential or policy')
    const { code, err } = await line.admin(['session', 'kick', 'x'])
    expect(code).toBe(2)
    expect(err).toContain('must be the id of a session')
    expect(err).toContain('--reason: is missing')
  })
})
