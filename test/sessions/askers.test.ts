import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../admin/bus.ts'
import { openCluster, type Cluster } from '../support/cluster.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await openCluster({ servers: 1, replicas: 3 })
})
afterAll(() => cluster[Symbol.asyncDispose]())

const enter = (): Promise<NatsConnection> => cluster.connectAs('admin')

describe('who changes what it lives by itself', () => {
  it.each(Array.from({ length: 8 }, (_, n) => n))('hears the reply, and is let in anew (%i)', async (n) => {
    const admin = await enter()
    const policy = `more-${n}`
    await ask(admin, {
      command: 'policy.create',
      payload: { name: policy, publish: { allow: [`${policy}.>`] } },
    })
    const { status, body } = await ask(admin, {
      command: 'user.assign-policy',
      payload: { account: 'ADMIN', user: 'admin', policy },
    })
    expect([status, body['connections']]).toEqual([200, { affected: 1, kicked: 1, left: 0 }])
    await admin.closed()
  })

  it('hears the reply when it locks itself out', async () => {
    const admin = await enter()
    await ask(admin, {
      command: 'user.create',
      payload: { account: 'ADMIN', name: 'second', policies: ['admin'] },
    })
    const issued = await ask(admin, {
      command: 'user.issue-token',
      payload: { account: 'ADMIN', user: 'second' },
    })
    const second = await cluster.connect({ token: String(issued.body['token']) })
    const locked = await ask(second, {
      command: 'user.lock',
      payload: { account: 'ADMIN', user: 'second', reason: 'enough' },
    })
    expect(locked.status).toBe(200)
    await second.closed()
  })
})
