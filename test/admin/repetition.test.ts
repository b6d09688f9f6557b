import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pino } from 'pino'
import { hashToken } from '../../src/keys/token.ts'
import { startGatehouse } from '../../src/main.ts'
import { STATE_PREFIX, STATE_STREAM } from '../../src/nats/buckets.ts'
import { openWorld, type World } from '../support/world.ts'
import { ask } from './bus.ts'
import { openDoor, type Door } from './door.ts'

let world: World
let door: Door
beforeAll(async () => {
  world = await openWorld()
  door = await openDoor(world)
  for (const name of ['una', 'due', 'tre']) await door.done('user.create', { account: 'ORDERS', name })
})
afterAll(() => world[Symbol.asyncDispose]())

const whose = (user: string) => ({ account: 'ORDERS', user })
const userOf = async (user: string) =>
  (await door.done('user.get', whose(user)))['user'] as { status: string; credentials: object[] }
const DAY_SECONDS = 86_400

describe('a command that is repeated with its id', () => {
  it('gets its first answer, and does nothing', async () => {
    const issue = { ...whose('una'), label: 'laptop', commandId: 'issue-1' }
    const first = await door.done('user.issue-token', issue)
    expect(first['events']).toMatchObject([{ metadata: { commandId: 'issue-1' } }])
    expect(await door.done('user.issue-token', issue)).toEqual(first)
    await door.done('user.update-metadata', { ...whose('una'), metadata: { since: 'then' } })
    expect(await door.done('user.issue-token', { ...issue, correlationId: 'c', ifRevision: 1 })).toEqual(
      first,
    )
    expect((await userOf('una')).credentials).toHaveLength(1)
    await door.becomes(String(first['token']), 'in')
  })

  it('is done once by ten at once', async () => {
    const issue = { ...whose('due'), commandId: 'issue-ten' }
    const replies = await Promise.all(Array.from({ length: 10 }, () => door.done('user.issue-token', issue)))
    for (const reply of replies) expect(reply).toEqual(replies[0])
    expect((await userOf('due')).credentials).toHaveLength(1)
  })

  it('does not do again what was undone since, nor what there was nothing to do for', async () => {
    const lock = { ...whose('due'), reason: 'lost', commandId: 'lock-1' }
    const locked = await door.done('user.lock', lock)
    await door.done('user.unlock', whose('due'))
    expect(await door.done('user.lock', lock)).toEqual(locked)
    expect(await userOf('due')).toMatchObject({ status: 'active' })

    const unlock = { ...whose('due'), commandId: 'unlock-1' }
    const nothing = await door.done('user.unlock', unlock)
    expect(nothing).toMatchObject({ events: [] })
    await door.done('user.lock', { ...whose('due'), reason: 'again' })
    expect(await door.done('user.unlock', unlock)).toEqual(nothing)
    expect(await userOf('due')).toMatchObject({ status: 'locked' })
  })

  it('is another command when another sends it', async () => {
    const { token } = await door.newcomer('ADMIN', 'second', { policies: ['admin'] })
    const issue = { ...whose('tre'), commandId: 'shared' }
    const first = await door.done('user.issue-token', issue)
    const second = await ask(await door.enter(token), { command: 'user.issue-token', payload: issue })
    expect(second.status).toBe(200)
    expect(second.body['token']).not.toBe(first['token'])
    expect((await userOf('tre')).credentials).toHaveLength(2)
  })

  it('is refused when it is not the same', async () => {
    const lock = { ...whose('tre'), reason: 'x', commandId: 'same' }
    await door.done('user.lock', lock)
    const others: [name: string, payload: object][] = [
      ['user.lock', { ...lock, reason: 'y' }],
      ['user.lock', { ...lock, user: 'una' }],
      ['user.unlock', { ...whose('tre'), commandId: 'same' }],
    ]
    for (const [name, payload] of others) {
      expect(await door.command(name, payload)).toMatchObject({
        status: 409,
        error: { code: 'already_exists', message: expect.stringContaining('"same"') as string },
      })
    }
    expect(await userOf('una')).toMatchObject({ status: 'active' })
  })

  it('is decided anew when it was refused, or only asked', async () => {
    const create = { account: 'ORDERS', name: 'later', policies: ['not-yet'], commandId: 'create-later' }
    expect(await door.command('user.create', create)).toMatchObject({ status: 404 })
    await door.done('policy.create', { name: 'not-yet' })
    const created = await door.done('user.create', create)
    expect(await door.done('user.create', create)).toEqual(created)

    const get = { ...whose('later'), commandId: 'get-1' }
    expect(await door.done('user.get', get)).toMatchObject({ user: { status: 'active' } })
    await door.done('user.lock', { ...whose('later'), reason: 'x' })
    expect(await door.done('user.get', get)).toMatchObject({ user: { status: 'locked' } })
  })

  it.each(['', 'a b', 'a.b', '>', 'x'.repeat(65), 5])('has an id, and %j is none', async (commandId) => {
    const { status, error } = await door.command('user.unlock', { ...whose('una'), commandId })
    expect([status, error.faults.map(({ where }) => where)]).toEqual([400, ['commandId']])
  })
})

describe('what is kept of an answer', () => {
  it('is sealed, for a day, and is no test of a password', async () => {
    const password = 'correct horse battery'
    const credentials = [{ kind: 'password', password }]
    const { token } = await door.done('user.issue-token', { ...whose('una'), commandId: 'kept-1' })
    await door.done('user.update-credentials', { ...whose('una'), credentials, commandId: 'kept-2' })
    const { store } = world.gatehouse.admin
    const { entries } = await store.page('answer.*', { after: 0, limit: 500 })
    expect(entries.length).toBeGreaterThan(5)
    const kept = JSON.stringify(entries)
    const request = { ...whose('una'), credentials }
    const guess = hashToken(JSON.stringify(['user.update-credentials', request]))
    for (const secret of [String(token), hashToken(String(token)), password, guess, '$argon2id'])
      expect(kept).not.toContain(secret)

    const manager = await jetstreamManager(world.gatehouse.connection.nc)
    const last_by_subj = `${STATE_PREFIX}${entries.at(-1)!.key}`
    const message = await manager.streams.getMessage(STATE_STREAM, { last_by_subj })
    expect(message?.header.get('Nats-TTL')).toBe(`${DAY_SECONDS}s`)
  })
})

it('another replica gives the first answer too, and so does a service that was started again', async () => {
  const issue = { ...whose('una'), commandId: 'across' }
  const first = await door.done('user.issue-token', issue)
  const { trust, vault, telemetry } = world
  const start = () =>
    startGatehouse({
      url: world.server.url,
      trust,
      vault,
      telemetry,
      log: pino({ level: 'silent' }),
      replicas: 1,
    })
  {
    await using second = await start()
    expect(second.connection).not.toBe(world.gatehouse.connection)
    await world.gatehouse[Symbol.asyncDispose]()
    expect(await door.done('user.issue-token', issue)).toEqual(first)
  }
  await using again = await start()
  expect(await door.done('user.issue-token', issue)).toEqual(first)
  expect(await door.command('user.issue-token', { ...issue, label: 'x' })).toMatchObject({ status: 409 })
  expect(again.connection.isConnected).toBe(true)
})
