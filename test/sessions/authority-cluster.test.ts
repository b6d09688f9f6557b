import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../admin/bus.ts'
import { openCluster, type Cluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'

const SERVERS = [0, 1, 2]

let cluster: Cluster
let admin: NatsConnection
beforeAll(async () => {
  cluster = await openCluster({ servers: 3, replicas: 3 })
  admin = await cluster.connectAs('admin')
}, 120_000)
afterAll(() => cluster[Symbol.asyncDispose]())

async function done(command: string, payload: object): Promise<Readonly<Record<string, unknown>>> {
  const { status, body } = await ask(admin, { command, payload })
  expect([command, status]).toEqual([command, 200])
  return body
}

/** A user with a connection to each server. */
async function onEach(user: string) {
  await done('user.create', { account: 'ORDERS', name: user })
  const { token, credential } = await done('user.issue-token', { account: 'ORDERS', user })
  const authenticator = tokenAuthenticator(String(token))
  const inside = await Promise.all(SERVERS.map((server) => cluster.connect({ server, authenticator })))
  return { authenticator, credential, inside }
}

const knownEverywhere = (user: string) =>
  eventually(() =>
    cluster.replicas.every(
      ({ gatehouse }) =>
        [...gatehouse.living.ledger.open].filter(({ name }) => name === user).length === SERVERS.length,
    ),
  )

describe('in a cluster', () => {
  it('a credential that is revoked is refused at every server from the reply on, and what it opened ends', async () => {
    const { authenticator, credential, inside } = await onEach('revoked')
    await knownEverywhere('revoked')
    const body = await done('user.revoke-credential', { account: 'ORDERS', user: 'revoked', credential })
    expect(body).toMatchObject({ connections: { affected: 3, kicked: 3, left: 0 } })
    expect(body).not.toHaveProperty('behind')
    for (const server of SERVERS) await expect(cluster.connect({ server, authenticator })).rejects.toThrow()
    await Promise.all(inside.map((nc) => nc.closed()))
  })

  it('a lock ends connections to every server, whichever replicas are left', async () => {
    const { inside } = await onEach('locked')
    const [bystander] = (await onEach('bystander')).inside
    await knownEverywhere('locked')
    await cluster.replicas[2]!.kill()
    await done('user.lock', { account: 'ORDERS', user: 'locked', reason: 'left' })
    await Promise.all(inside.map((nc) => nc.closed()))
    await bystander!.flush()
  })
})
