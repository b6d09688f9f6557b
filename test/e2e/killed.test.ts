import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUCKET } from '../../src/domain/state-keys.ts'
import { ask, auditOf, insideAuth, type Heard } from '../admin/bus.ts'
import { jetstreamManager } from '@nats-io/jetstream'
import { eventually } from '../support/eventually.ts'
import { openGate, type Gate } from '../support/gate.ts'
import { startReplicaProcess, type ReplicaProcess } from '../support/replica-process.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let admin: NatsConnection
let audit: readonly Heard[]
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
  audit = await auditOf(world)
  await world.gatehouse[Symbol.asyncDispose]() // From now on replicas are processes.
})
afterAll(() => world[Symbol.asyncDispose]())

/** What the state holds, without what commands and sourcing leave for a while. */
async function keys(): Promise<ReadonlySet<string>> {
  const manager = await jetstreamManager(await insideAuth(world))
  const { state } = await manager.streams.info(`KV_${BUCKET}`, { subjects_filter: `$KV.${BUCKET}.>` })
  const lasting = Object.keys(state.subjects ?? {}).map((subject) => subject.slice(`$KV.${BUCKET}.`.length))
  return new Set(lasting.filter((key) => !key.startsWith('event.') && !key.startsWith('answer.')))
}

/** Reading the state changes nothing: every other message of a replica is a step. */
const isStep = (subject: string): boolean => !/^\$JS\.API\.(?:DIRECT|STREAM\.MSG)\.GET\./.test(subject)

interface Deed {
  readonly command: string
  readonly payload: (name: string) => object
  /** The keys that all of it leaves, once it is done. */
  readonly leaves: number
  readonly event: string
  /** What must hold once it is done and a replica is there. */
  readonly holds: (name: string) => Promise<void>
}

const deeds: readonly Deed[] = [
  {
    command: 'account.create',
    payload: (name) => ({ name }),
    leaves: 5, // The account, its name, the use of its policy, two seeds.
    event: 'account.created',
    async holds(account) {
      await eventually(
        async () => (await ask(admin, { command: 'account.get', payload: { account } })).status === 200,
      )
      const user = { account, user: 'u' }
      await ask(admin, { command: 'user.create', payload: { account, name: 'u' } })
      const { body } = await ask(admin, { command: 'user.issue-token', payload: user })
      const nc = await world.connect({ authenticator: tokenAuthenticator(String(body['token'])) })
      expect((await ask(nc, { command: 'whoami' })).body).toMatchObject({ account: { name: account } })
    },
  },
  {
    command: 'user.create',
    payload: (name) => ({ account: 'ORDERS', name, policies: ['developer'] }),
    leaves: 3, // The user, its name, the use of its policy.
    event: 'user.registered',
    async holds(user) {
      const { body } = await ask(admin, { command: 'user.get', payload: { account: 'ORDERS', user } })
      expect(body['user']).toMatchObject({ name: user, policies: ['developer'] })
    },
  },
]

/** A replica behind a gate of its own. */
interface Gated {
  readonly gate: Gate
  readonly replica: ReplicaProcess
}

async function startGated(): Promise<Gated> {
  const gate = await openGate(world.server.url, isStep)
  return { gate, replica: await startReplicaProcess(world, { url: gate.url }) }
}

/** Resolves when the replica was killed because it wanted to take one step more than these. */
function deathAt(steps: number, { gate, replica }: Gated): Promise<true> {
  return new Promise((resolve) => {
    gate.limit(steps, () => {
      void replica.kill()
      resolve(true)
    })
  })
}

/** Sends the command to a replica that dies after so many steps. Tells whether it lived to answer. */
async function dieAfter(steps: number, deed: Deed, gated: Gated): Promise<boolean> {
  const before = await keys()
  const answered = ask(admin, requestOf(steps, deed)).then(
    () => true,
    () => false, // It is gone, and nobody else is there.
  )
  const isDead = deathAt(steps, gated)
  const wasKilled = await Promise.race([isDead, answered.then((was) => !was)])
  await gated.replica.kill()
  await gated.gate[Symbol.asyncDispose]()
  const added = [...(await keys())].filter((key) => !before.has(key))
  expect([0, deed.leaves], `${steps} steps left ${added.join(', ')}`).toContain(added.length)
  return !wasKilled
}

/** By whatever replica is there now: the same command again gives all of it, once. */
async function expectDone(steps: number, deed: Deed): Promise<void> {
  const name = nameOf(steps, deed)
  expect((await ask(admin, requestOf(steps, deed))).status).toBe(200)
  await deed.holds(name)
  const told = (): number =>
    audit.filter(({ subject, event }) => subject.endsWith(deed.event) && event.data['name'] === name).length
  await eventually(() => told() > 0)
  expect(told()).toBe(1)
}

const nameOf = (steps: number, { command }: Deed): string => `after-${steps}-${command.replace('.', '-')}`

function requestOf(steps: number, deed: Deed) {
  const name = nameOf(steps, deed)
  return { command: deed.command, payload: { ...deed.payload(name), commandId: `kill-${name}` } }
}

describe.each(deeds)('a replica that is killed in the middle of $command', (deed) => {
  it('at any step has done all of it or nothing, and another one ends it', async () => {
    let gated = await startGated()
    let steps = 0
    for (let isOver = false; !isOver; steps += 1) {
      isOver = await dieAfter(steps, deed, gated)
      gated = await startGated()
      await expectDone(steps, deed)
    }
    await gated.replica.kill()
    await gated.gate[Symbol.asyncDispose]()
    expect(steps).toBeGreaterThan(deed.leaves)
  }, 300_000)
})
