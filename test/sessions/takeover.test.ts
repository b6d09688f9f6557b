import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, insideAuth } from '../admin/bus.ts'
import { openCluster, type Cluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'

const CROWD = 200

let cluster: Cluster
let admin: NatsConnection
/** How often servers have told of each connection that it was kicked. */
const kicks = new Map<number, number>()
beforeAll(async () => {
  cluster = await openCluster({ servers: 1, replicas: 1 })
  admin = await cluster.connectAs('admin')
  const inside = await insideAuth(cluster)
  inside.subscribe('$SYS.ACCOUNT.*.DISCONNECT', {
    callback(_, message) {
      const { client, reason } = message.json<{ client: { id: number }; reason: string }>()
      if (reason === 'Kicked') kicks.set(client.id, (kicks.get(client.id) ?? 0) + 1)
    },
  })
  await inside.flush()
})
afterAll(() => cluster[Symbol.asyncDispose]())

async function done(command: string, payload: object): Promise<Readonly<Record<string, unknown>>> {
  const { status, body } = await ask(admin, { command, payload })
  expect([command, status]).toEqual([command, 200])
  return body
}

async function tokenOf(user: string, policies: readonly string[] = []): Promise<string> {
  await done('user.create', { account: 'ORDERS', name: user, policies })
  const { token } = await done('user.issue-token', { account: 'ORDERS', user })
  return String(token)
}

describe('when a replica dies', () => {
  it('half way of ending two hundred sessions, another one ends the rest, and each is ended once', async () => {
    const other = await cluster.startReplica()
    await eventually(() => cluster.gatehouse.living.replicas.live.length === 2)
    await done('policy.create', { name: 'crowded', publish: { allow: ['a'], deny: [] } })
    const authenticator = tokenAuthenticator(await tokenOf('crowd', ['crowded']))
    const crowd: NatsConnection[] = []
    while (crowd.length < CROWD) crowd.push(await cluster.connect({ authenticator }))
    const bystander = await cluster.connectAs('alice@example.com')
    const open = () =>
      cluster.gatehouse.living.ledger.open.ofUser(
        [...cluster.gatehouse.living.ledger.open].find(({ name }) => name === 'crowd')?.user ?? '',
      )
    await eventually(() => open().length === CROWD)

    const cids = new Set(crowd.map((nc) => nc.info?.client_id))
    const changing = ask(admin, {
      command: 'policy.update-permissions',
      payload: { policy: 'crowded', publish: { allow: ['b'], deny: [] } },
    }).catch(() => undefined) // The one that dies may have it in its hands.
    await eventually(() => kicks.size > CROWD / 10)
    await other.kill()
    await eventually(() => kicks.size === CROWD, 30_000)
    await Promise.all(crowd.map((nc) => nc.closed()))
    expect(new Set(kicks.values())).toEqual(new Set([1]))
    expect(new Set(kicks.keys())).toEqual(cids)
    await bystander.flush()
    await changing
  }, 120_000)

  it('the sessions that it let in are ended by another one', async () => {
    const token = await tokenOf('orphan')
    const first = await cluster.startReplica()
    await eventually(() => cluster.gatehouse.living.replicas.live.length === 2)
    const inside: NatsConnection[] = []
    const letIn = (): boolean =>
      first.log.some((line) => line.includes('callout.admitted') && line.includes('orphan'))
    while (!letIn()) inside.push(await cluster.connect({ authenticator: tokenAuthenticator(token) }))
    await first.kill()
    await done('user.lock', { account: 'ORDERS', user: 'orphan', reason: 'left' })
    await Promise.all(inside.map((nc) => nc.closed()))
  }, 120_000)
})
