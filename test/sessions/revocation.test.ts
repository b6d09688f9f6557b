import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../admin/bus.ts'
import { openCluster, type Cluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'

/** Clients that knock all the time, each as soon as it has been let in or refused. */
const KNOCKING = 12

let cluster: Cluster
let admin: NatsConnection
beforeAll(async () => {
  cluster = await openCluster({ servers: 1, replicas: 3 })
  admin = await cluster.connectAs('admin')
})
afterAll(() => cluster[Symbol.asyncDispose]())

async function tokenOf(user: string): Promise<{ readonly token: string; readonly credential: string }> {
  const payload = { account: 'ORDERS', user }
  await ask(admin, { command: 'user.create', payload: { account: 'ORDERS', name: user } })
  const { body } = await ask(admin, { command: 'user.issue-token', payload })
  return body as { readonly token: string; readonly credential: string }
}

const enter = (token: string): Promise<NatsConnection> =>
  cluster.connect({ authenticator: tokenAuthenticator(token) })
const canEnter = (token: string): Promise<boolean> =>
  enter(token).then(
    () => true,
    () => false,
  )

/** How often each replica has let the user in. */
const admissions = (user: string): readonly number[] =>
  cluster.replicas.map(({ heard }) => heard.admitted.filter(({ user: { name } }) => name === user).length)

describe('a credential that is revoked', () => {
  it('is let in by no replica from the moment on at which that is acknowledged, and its sessions end', async () => {
    const { token, credential } = await tokenOf('hammered')
    const inside: NatsConnection[] = []
    let isOver = false
    const knock = async (): Promise<void> => {
      while (!isOver) {
        const nc = await enter(token).catch(() => undefined)
        if (nc !== undefined) inside.push(nc)
      }
    }
    const knocking = Array.from({ length: KNOCKING }, knock)
    await eventually(() => admissions('hammered').every((count) => count > 3))

    const payload = { account: 'ORDERS', user: 'hammered', credential }
    const { body } = await ask(admin, { command: 'user.revoke-credential', payload })
    const before = admissions('hammered')
    expect(body['behind']).toBeUndefined()
    const denials = (): number => cluster.replicas.reduce((sum, { heard }) => sum + heard.denied.length, 0)
    const wanted = denials() + 100
    await eventually(() => denials() > wanted)
    isOver = true
    await Promise.all(knocking)
    expect(admissions('hammered')).toEqual(before)
    await Promise.all(inside.map((nc) => nc.closed()))
    expect(inside.length).toBeGreaterThan(9)
  })

  it('stays so when every replica is another one', async () => {
    const { token, credential } = await tokenOf('restarted')
    const nc = await enter(token)
    const payload = { account: 'ORDERS', user: 'restarted', credential }
    await ask(admin, { command: 'user.revoke-credential', payload })
    await nc.closed()
    for (const replica of cluster.replicas) await replica.kill()
    await cluster.openReplica()
    expect(await canEnter(token)).toBe(false)
    expect(await canEnter(cluster.tokens['alice@example.com'] ?? '')).toBe(true)
  })
})
