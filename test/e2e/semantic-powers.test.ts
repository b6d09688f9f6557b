import { jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { api, isRefused, owner, permitted } from '../support/permitted.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let root: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  root = await owner(world)
})
afterAll(() => world[Symbol.asyncDispose]())

/** The subjects of what a stream has stored. */
async function stored(name: string): Promise<readonly string[]> {
  const { state } = await (await jetstreamManager(root)).streams.info(name, { subjects_filter: '>' })
  return Object.keys(state.subjects ?? {})
}

async function add(name: string, subjects: readonly string[], more: object = {}): Promise<void> {
  const { streams } = await jetstreamManager(root)
  await streams.add({ name, subjects: [...subjects], storage: StorageType.Memory, ...more })
}

/** What permissions cannot keep from, as docs/policies.md says: if one of these fails, nats-server has become stricter. */
describe('a power that comes with a word', () => {
  it('writing one subject of a stream of schedules writes all of its subjects', async () => {
    await add('TIMED', ['timed.>'], { allow_msg_schedules: true })
    const nc = await permitted(world, {
      allow: [{ stream: 'TIMED', may: ['write'], subjects: ['timed.mine'] }],
    })
    expect(await isRefused(nc, (nc) => jetstream(nc).publish('timed.theirs', ''))).toBe(true)
    const scheduled = headers()
    scheduled.set('Nats-Schedule', '@at 2020-01-01T00:00:00Z')
    scheduled.set('Nats-Schedule-Target', 'timed.theirs')
    await jetstream(nc).publish('timed.mine', 'forged', { headers: scheduled })
    await eventually(async () => (await stored('TIMED')).includes('timed.theirs'))
  })

  it('managing and reading a bucket that is not there reads any subject', async () => {
    const nc = await permitted(world, { allow: [{ kv: 'mine', may: ['manage', 'read'] }] })
    const config = { name: 'KV_mine', subjects: ['secret.>'], storage: 'memory', allow_direct: true }
    await api(nc, '$JS.API.STREAM.CREATE.KV_mine', config)
    await jetstream(root).publish('secret.a', 'told')
    const message = await (await jetstreamManager(nc)).direct.getMessage('KV_mine', { seq: 1 })
    expect(message?.string()).toBe('told')
  })

  it('asking anything writes what is answered to a stream, past a deny of writing it', async () => {
    await add('LANDED', ['landed.>'])
    const everything = { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } }
    const deny = [{ stream: 'LANDED', may: ['write'], subjects: ['landed.>'] }]
    const nc = await permitted(world, { ...everything, deny })
    expect(await isRefused(nc, (nc) => jetstream(nc).publish('landed.a', ''))).toBe(true)
    nc.publish('$JS.API.INFO', '', { reply: 'landed.a' })
    await eventually(async () => (await stored('LANDED')).includes('landed.a'))
  })
})
