import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { jetstreamManager } from '@nats-io/jetstream'
import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { createListenerPolicy, openListener } from '../support/listeners.ts'
import { openWorld, PROJECT, type World } from '../support/world.ts'

let world: World
let admin: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
  await createListenerPolicy(admin)
})
afterAll(() => world[Symbol.asyncDispose]())

interface Line {
  readonly subject: string
  readonly id: string
  readonly data: Readonly<Record<string, unknown>>
}

/** One of docs/examples as somebody would run it, once it listens. */
interface Example extends AsyncDisposable {
  readonly lines: readonly Line[]
  readonly child: ChildProcess
  /** SIGTERM; the exit code. */
  end(): Promise<number | null>
}

async function run(
  file: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<Example> {
  const child = spawn(process.execPath, [join(PROJECT, 'docs', 'examples', file), ...args], {
    env: { PATH: process.env['PATH'], NATS_URL: world.server.url, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: Line[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Line))
  let said = ''
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()))
  const exited = once(child, 'close')
  const end = async (): Promise<number | null> => {
    child.kill('SIGTERM')
    await exited
    return child.exitCode
  }
  const listening = eventually(() => {
    if (child.exitCode !== null) throw new Error(`${file} ended: ${said}`)
    return said.includes('listening on')
  }, 20_000)
  await listening.catch(async (error: unknown) => {
    await end()
    throw error
  })
  return { lines, child, end, [Symbol.asyncDispose]: () => end().then(() => undefined) }
}

/** What dead-letters.mjs prints. */
async function deadLetters(token: string, ...args: readonly string[]): Promise<readonly unknown[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(PROJECT, 'docs', 'examples', 'dead-letters.mjs'), ...args],
    { env: { PATH: process.env['PATH'], NATS_URL: world.server.url, NATS_TOKEN: token } },
  )
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
}

const names = ({ lines }: Example): unknown[] => lines.map(({ data }) => data['name'])
const create = (account: string, name: string) => command(admin, 'user.create', { account, name })

describe('docs/examples/subscriber.mjs', () => {
  it('hears what happens in its account and nothing of another, and leaves when it is asked to', async () => {
    const { token } = await openListener(world, admin, { account: 'ORDERS', name: 'plain' })
    const other = await openListener(world, admin, { account: 'ANALYTICS', name: 'plain' })
    await using orders = await run('subscriber.mjs', { NATS_TOKEN: token }, ['user.registered'])
    await using analytics = await run('subscriber.mjs', { NATS_TOKEN: other.token })
    await create('ORDERS', 'ours-1')
    await create('ANALYTICS', 'theirs-1')
    await create('ORDERS', 'ours-2')
    await eventually(() => names(orders).includes('ours-2') && names(analytics).includes('theirs-1'))
    expect(names(orders)).toEqual(['ours-1', 'ours-2'])
    expect(new Set(names(analytics))).not.toContain('ours-1')
    expect(new Set(names(analytics))).not.toContain('ours-2')
    expect(await orders.end()).toBe(0)
  })
})

describe('docs/examples/durable-subscriber.mjs', () => {
  it('misses nothing that happens while it is down, hears nothing twice, and nothing of another account', async () => {
    const { token } = await openListener(world, admin, { account: 'ORDERS', name: 'durable' })
    await using first = await run('durable-subscriber.mjs', { NATS_TOKEN: token })
    await create('ORDERS', 'while-up')
    await eventually(() => names(first).includes('while-up'))
    expect(await first.end()).toBe(0)

    await create('ANALYTICS', 'elsewhere')
    for (let n = 0; n < 10; n += 1) await create('ORDERS', `while-down-${n}`)
    await using second = await run('durable-subscriber.mjs', { NATS_TOKEN: token })
    await create('ORDERS', 'up-again')
    await eventually(() => names(second).includes('up-again'))
    const made = names(second).filter((name) => /^while-|^up-|^elsewhere/.test(String(name)))
    expect(made).toEqual([...Array.from({ length: 10 }, (_, n) => `while-down-${n}`), 'up-again'])
    const ids = [...first.lines, ...second.lines].map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('tries again what fails, then puts it aside, and goes on with the rest', async () => {
    const { nc, token } = await openListener(world, admin, { account: 'ANALYTICS', name: 'durable' })
    await using example = await run('durable-subscriber.mjs', {
      NATS_TOKEN: token,
      FAIL_ON: 'user.locked',
    })
    await create('ANALYTICS', 'unlucky')
    await command(admin, 'user.lock', { account: 'ANALYTICS', user: 'unlucky', reason: 'test' })
    await create('ANALYTICS', 'lucky')
    await eventually(() => names(example).includes('lucky'))
    const manager = await jetstreamManager(nc)
    const dead = (): Promise<number> =>
      manager.streams.info('account-events-dead').then(({ state }) => state.messages)
    await eventually(async () => (await dead()) === 1, 20_000)
    const message = await manager.streams.getMessage('account-events-dead', { seq: 1 })
    expect(message?.subject).toBe('dead-letter.auth.event.user.locked')
    expect(message?.header.get('Error')).toBe('made to fail')
    expect(message?.json()).toMatchObject({ data: { name: 'unlucky', reason: 'test' } })
    const worker = () => manager.consumers.info('account-events', 'worker')
    await eventually(async () => (await worker()).num_ack_pending === 0)

    // Once its fault is mended, it is put back to work.
    await example.end()
    await using mended = await run('durable-subscriber.mjs', { NATS_TOKEN: token })
    const [letter] = await deadLetters(token)
    expect(letter).toMatchObject({ seq: 1, error: 'made to fail', data: { name: 'unlucky', reason: 'test' } })
    expect(names(mended)).not.toContain('unlucky')
    await deadLetters(token, '1')
    await eventually(() => mended.lines.some(({ subject }) => subject === 'replay.user.locked'))
    expect(names(mended)).toContain('unlucky')
    expect(await deadLetters(token)).toEqual([])
  })

  it('puts aside without a touch what takes the whole program with it', async () => {
    await command(admin, 'account.create', { name: 'PAYMENTS', limits: { jetstream: {} } })
    const { nc, token } = await openListener(world, admin, { account: 'PAYMENTS', name: 'durable' })
    await create('PAYMENTS', 'poison')
    const env = { NATS_TOKEN: token, CRASH_ON: 'user.locked', ACK_WAIT: '1' }
    const first = await run('durable-subscriber.mjs', env)
    await command(admin, 'user.lock', { account: 'PAYMENTS', user: 'poison', reason: 'test' })
    await eventually(() => first.child.exitCode === 1)
    const manager = await jetstreamManager(nc)
    const dead = (): Promise<number> =>
      manager.streams.info('account-events-dead').then(({ state }) => state.messages)
    for (let crashes = 1; (await dead()) === 0; crashes += 1) {
      expect(crashes).toBeLessThan(6)
      await using example = await run('durable-subscriber.mjs', env)
      await eventually(async () => example.child.exitCode === 1 || (await dead()) === 1, 20_000)
    }
    expect(await deadLetters(token)).toMatchObject([
      { error: 'was delivered 4 times, and never finished', data: { name: 'poison' } },
    ])
  })

  it('takes what is replayed', async () => {
    const { token } = await openListener(world, admin, { account: 'ORDERS', name: 'replayer' })
    await using example = await run('durable-subscriber.mjs', { NATS_TOKEN: token })
    const nc = await world.connect({ authenticator: tokenAuthenticator(token) })
    const event = { data: { name: 'from the past' }, metadata: { id: 'past', actor: {} } }
    nc.publish('replay.A.user.registered', JSON.stringify(event))
    await eventually(() => names(example).includes('from the past'))
  })
})
