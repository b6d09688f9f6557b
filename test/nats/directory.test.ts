import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Command } from '../../src/admin/command.ts'
import { execute, type Admin } from '../../src/admin/execute.ts'
import { userCommands } from '../../src/admin/user.ts'
import type { User } from '../../src/domain/user.ts'
import { hashToken } from '../../src/keys/token.ts'
import { Vault } from '../../src/keys/vault.ts'
import { KvDirectory } from '../../src/nats/directory.ts'
import { insideAuth } from '../admin/bus.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

const ROOMY = { values: 1_000, absences: 1_000 }

let world: World
let nc: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  nc = world.gatehouse.connection.nc
})
afterAll(() => world[Symbol.asyncDispose]())

async function does(command: Command, payload: object, admin: Admin = world.gatehouse.admin): Promise<void> {
  const actor = { account: world.trust.chain.admin, user: 'test' }
  await execute(admin, command, { actor, payload: { account: 'ORDERS', ...payload } })
}

/** A user of ORDERS with just this token. */
async function createUser(name: string, token = `token of ${name}`): Promise<string> {
  const { admin } = world.gatehouse
  const hash = hashToken(token)
  const secrets = { ...admin.secrets, createToken: () => ({ token, hash }) }
  await does(userCommands.createUser, { name })
  await does(userCommands.issueToken, { user: name }, { ...admin, secrets })
  return hash
}

const tag = (user: string, n: number): Promise<void> =>
  does(userCommands.updateMetadata, { user, metadata: { n: String(n) } })
const tagOf = (user: User | undefined): string | undefined => user?.metadata['n']

describe('the directory', () => {
  it('finds a user by token, by nkey and by name', async () => {
    const { publicKey } = new Vault(Buffer.alloc(32)).generate('user')
    const hash = await createUser('found')
    await does(userCommands.updateCredentials, { user: 'found', credentials: [{ kind: 'nkey', publicKey }] })
    await does(userCommands.createUser, { account: 'ANALYTICS', name: 'found' })
    await using directory = await KvDirectory.open(nc, ROOMY)

    const user = await directory.userByToken(hash)
    expect(user).toMatchObject({
      name: 'found',
      credentials: [
        { kind: 'token', hash },
        { kind: 'nkey', publicKey },
      ],
    })
    expect(await directory.userByNkey(publicKey)).toBe(user)
    const named = await directory.usersNamed('found')
    expect(named).toContain(user)
    expect(named.map(({ account }) => directory.account(account)?.name).sort()).toEqual([
      'ANALYTICS',
      'ORDERS',
    ])
    expect(await directory.usersNamed('found.*')).toEqual([])
  })

  it('knows operator, accounts and policies at once', async () => {
    await using directory = await KvDirectory.open(nc, ROOMY)
    expect(directory.operator?.adminAccount).toBe(world.trust.chain.admin)
    expect(directory.accounts.map(({ name }) => name).sort()).toEqual([
      'ADMIN',
      'ANALYTICS',
      'AUTH',
      'ORDERS',
      'SYS',
    ])
    const orders = directory.accounts.find(({ name }) => name === 'ORDERS')!
    expect(directory.policy(orders.defaultPolicy!)).toMatchObject({ name: 'base', version: 1 })
  })

  it('remembers: the second time is at once, and the same', async () => {
    const hash = await createUser('remembered')
    await using directory = await KvDirectory.open(nc, ROOMY)
    const first = directory.userByToken(hash)
    expect(first).toBeInstanceOf(Promise)
    expect(directory.userByToken(hash)).toBeInstanceOf(Promise)
    expect(directory.userByToken(hash)).not.toBe(await first)
    expect(directory.userByToken(hash)).toBe(await first)
  })

  it('remembers who is not there, until somebody is', async () => {
    const hash = hashToken('token of late')
    await using directory = await KvDirectory.open(nc, ROOMY)
    expect(await directory.userByToken(hash)).toBeUndefined()
    expect(directory.userByToken(hash)).toBeUndefined()
    expect(await directory.usersNamed('late')).toEqual([])

    await createUser('late')
    expect((await eventually(() => directory.userByToken(hash))).name).toBe('late')
    expect((await eventually(async () => (await directory.usersNamed('late'))[0])).name).toBe('late')
  })

  it('has no older value once it was told of a change, though fetches are under way', async () => {
    const hash = await createUser('racing')
    // So small that nearly every look-up is a fetch.
    await using directory = await KvDirectory.open(nc, { values: 1, absences: 1 })
    await using roomy = await KvDirectory.open(nc, ROOMY)
    for (let n = 1; n <= 40; n += 1) {
      const change = tag('racing', n)
      const looking = Array.from({ length: 10 }, () => [
        directory.userByToken(hash),
        roomy.userByToken(hash),
        roomy.usersNamed('racing'),
      ])
      await Promise.all([change, ...looking.flat()])
      for (const each of [directory, roomy]) {
        await eventually(async () => tagOf(await each.userByToken(hash)) === String(n), 2_000)
        expect(tagOf(await each.userByToken(hash))).toBe(String(n))
      }
      expect(tagOf((await roomy.usersNamed('racing'))[0])).toBe(String(n))
    }
  })

  it('hears of what changed while it was not connected', async () => {
    const hash = await createUser('offline')
    const lone = await insideAuth(world, {
      reconnect: true,
      reconnectTimeWait: 500,
      reconnectJitter: 0,
      maxReconnectAttempts: -1,
    })
    await using directory = await KvDirectory.open(lone, ROOMY)
    expect(tagOf(await directory.userByToken(hash))).toBeUndefined()

    const changed = (async () => {
      for await (const { type } of lone.status()) {
        if (type === 'disconnect') return tag('offline', 1)
      }
    })()
    await lone.reconnect()
    await changed
    await eventually(async () => tagOf(await directory.userByToken(hash)) === '1', 30_000)
  })

  it('keeps no more than it may, and guesses push nobody out', async () => {
    const hashes = []
    for (let n = 0; n < 6; n += 1) hashes.push(await createUser(`many-${n}`))
    await using directory = await KvDirectory.open(nc, { values: 4, absences: 2 }) // Two users, each with its token.
    for (const hash of hashes) await directory.userByToken(hash)
    expect(directory.userByToken(hashes[5]!)).toMatchObject({ name: 'many-5' })
    expect(directory.userByToken(hashes[4]!)).toMatchObject({ name: 'many-4' })
    const first = directory.userByToken(hashes[0]!)
    expect(first).toBeInstanceOf(Promise)
    expect(await first).toMatchObject({ name: 'many-0' })

    const guesses = Array.from({ length: 20 }, (_, n) => hashToken(`guess ${n}`))
    for (const guess of guesses) expect(await directory.userByToken(guess)).toBeUndefined()
    expect(directory.userByToken(hashes[0]!)).toMatchObject({ name: 'many-0' })
    expect(directory.userByToken(guesses[19]!)).toBeUndefined()
    expect(directory.userByToken(guesses[0]!)).toBeInstanceOf(Promise)
  })
})

// Last, because it ends the server.
it('without JetStream the directory still knows whom it knew, and says so of others', async () => {
  const hash = await createUser('known')
  await using directory = await KvDirectory.open(nc, ROOMY)
  const user = await directory.userByToken(hash)
  await world.server[Symbol.asyncDispose]()

  expect(directory.userByToken(hash)).toBe(user)
  expect(directory.operator?.adminAccount).toBe(world.trust.chain.admin)
  const unavailable: unknown = expect.objectContaining({ name: 'GatehouseError', code: 'unavailable' })
  await Promise.all([
    expect(directory.userByToken(hashToken('nobody'))).rejects.toEqual(unavailable),
    expect(directory.usersNamed('nobody')).rejects.toEqual(unavailable),
  ])
})
