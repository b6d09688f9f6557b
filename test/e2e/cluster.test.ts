import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, insideAuth } from '../admin/bus.ts'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { openCluster, type Cluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'

const ALICE = 'alice@example.com'

describe.each([
  ['newest', newestServer],
  ['oldest', oldestServer],
])('three servers (%s) and two replicas', (_, find) => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await openCluster({ binary: await find() })
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  /** Lets Alice in through each server until every one of these replicas has decided about her. */
  async function everyReplicaDecides(replicas = cluster.replicas): Promise<void> {
    const before = replicas.map(({ heard }) => heard.admitted.length)
    await eventually(async () => {
      for (const server of cluster.servers.keys()) await (await cluster.connectAs(ALICE, { server })).close()
      return replicas.every(({ heard }, index) => heard.admitted.length > before[index]!)
    })
  }

  it('hold three copies of everything', async () => {
    const manager = await jetstreamManager(await insideAuth(cluster))
    for (const name of ['KV_gatehouse', 'auth-events']) {
      const { config, cluster: peers } = await manager.streams.info(name)
      expect([name, config.num_replicas, peers?.replicas?.length]).toEqual([name, 3, 2])
    }
  })

  it('let clients in at every server, by every replica', async () => {
    await everyReplicaDecides()
    for (const server of cluster.servers.keys()) {
      const nc = await cluster.connectAs(ALICE, { server })
      expect(nc.info?.server_name).toBe(`n${server + 1}`)
      expect((await ask(nc, { command: 'whoami' })).body).toMatchObject({ user: { name: ALICE } })
    }
  })

  it('carry what one client publishes to those of the other servers', async () => {
    const [here, there] = [await cluster.connectAs(ALICE), await cluster.connectAs(ALICE, { server: 2 })]
    const heard: string[] = []
    there.subscribe('orders.new', { callback: (_error, message) => void heard.push(message.string()) })
    await there.flush()
    await eventually(() => {
      here.publish('orders.new', 'one')
      return heard.includes('one')
    })
  })

  it('all hold the JWT of an account as soon as the command that made it is answered', async () => {
    const admin = await cluster.connectAs('admin')
    const name = 'EVERYWHERE'
    const { body } = await ask(admin, { command: 'account.create', payload: { name } })
    await ask(admin, { command: 'user.create', payload: { account: name, name: 'u' } })
    const issued = await ask(admin, { command: 'user.issue-token', payload: { account: name, user: 'u' } })
    const token = String(issued.body['token'])
    for (const server of cluster.servers.keys()) {
      const nc = await cluster.connect({ server, token })
      expect((await ask(nc, { command: 'whoami' })).body).toMatchObject({ account: { id: body['account'] } })
    }
  })

  it('let clients in while a replica is dead', async () => {
    const killed = await cluster.openReplica(2)
    await everyReplicaDecides([...cluster.replicas, killed])
    const before = killed.heard.admitted.length
    await killed.kill()
    for (let times = 0; times < 5; times += 1)
      for (const server of cluster.servers.keys()) await (await cluster.connectAs(ALICE, { server })).close()
    expect(killed.heard.admitted).toHaveLength(before)
  })

  it('let clients in while a server is dead, and have it back', async () => {
    const [first, second] = [cluster.servers[0]!, cluster.servers[1]!]
    await first.kill()
    const survivors = [1, 2]
    for (let times = 0; times < 5; times += 1)
      for (const server of survivors)
        await eventually(() => cluster.connectAs(ALICE, { server }).catch(() => undefined))

    const admin = await eventually(() => cluster.connectAs('admin', { server: 1 }).catch(() => undefined))
    const creating = { command: 'account.create', payload: { name: 'MEANWHILE', commandId: 'meanwhile' } }
    await eventually(async () => (await ask(admin, creating).catch(() => undefined))?.status === 200, 30_000)

    await first.restart()
    await cluster.together()
    expect(first.url).not.toBe(second.url)
    await everyReplicaDecides()
    const nc = await insideAuth(cluster, { servers: first.url })
    const { body } = await ask(admin, { command: 'account.get', payload: { account: 'MEANWHILE' } })
    const { id } = body['account'] as { id: string }
    await eventually(async () => (await nc.request(`$SYS.REQ.ACCOUNT.${id}.CLAIMS.LOOKUP`)).data.length > 0)
  })
})

describe('a replica that is a process of its own', () => {
  it('decides, and can be killed', async () => {
    await using cluster = await openCluster({ servers: 1, replicas: 1 })
    const other = await cluster.startReplica()
    const decisions = (): number => other.log.filter((line) => line.includes('callout.admitted')).length
    await eventually(async () => {
      await (await cluster.connectAs(ALICE)).close()
      return decisions() > 0
    })
    await other.kill()
    for (let times = 0; times < 5; times += 1) await (await cluster.connectAs(ALICE)).close()
  }, 180_000) // It is built first.
})
