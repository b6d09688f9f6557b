import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { accountDeleteCommands } from '../../src/admin/account-delete.ts'
import { accountCommands } from '../../src/admin/account.ts'
import type { Command } from '../../src/admin/command.ts'
import { execute } from '../../src/admin/execute.ts'
import type { Account } from '../../src/domain/account.ts'
import { tenantClaims } from '../../src/jwt/chain.ts'
import type { AccountClaims } from '../../src/jwt/claims.ts'
import { decode, encode } from '../../src/jwt/token.ts'
import { startGatehouse, type Gatehouse } from '../../src/main.ts'
import { AccountClaimsPush } from '../../src/nats/account-claims.ts'
import { KvStateStore } from '../../src/nats/state-store.ts'
import { insideAuth } from '../admin/bus.ts'
import { openDoor } from '../admin/door.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

function restart({ server, trust, vault, telemetry }: World): Promise<Gatehouse> {
  return startGatehouse({
    url: server.url,
    trust,
    vault,
    telemetry,
    log: pino({ level: 'silent' }),
    replicas: 1,
  })
}

async function heldBy(nc: NatsConnection, account: string): Promise<AccountClaims | undefined> {
  const reply = await nc.request(`$SYS.REQ.ACCOUNT.${account}.CLAIMS.LOOKUP`)
  if (reply.data.length === 0) return undefined
  const { type, claims } = decode(reply.string())
  if (type !== 'account') throw new Error(`the resolver has a JWT of type ${type}`)
  return claims
}

describe('a service that was killed', () => {
  it('pushes at its next start what it had committed, and clears up after what it had deleted', async () => {
    await using world = await openWorld()
    const door = await openDoor(world)
    await door.done('policy.create', { name: 'all', publish: { allow: ['>'] }, subscribe: { allow: ['>'] } })
    const limited = String((await door.done('account.create', { name: 'LIMITED' }))['account'])
    const limits = { jetstream: {} }
    const deleted = String((await door.done('account.create', { name: 'DELETED', limits }))['account'])
    const { token } = await door.newcomer('DELETED', 'one', { policies: ['all'] })
    await door.becomes(token, 'in')
    const inside = await door.enter(token)
    const streams = await jetstreamManager(inside)
    await streams.streams.add({ name: 'S', subjects: ['s.>'] })
    const nc = await insideAuth(world)
    const before = await heldBy(nc, limited)

    // Its last words: two commits, and none of what follows from them.
    await world.gatehouse[Symbol.asyncDispose]()
    const admin = { ...world.gatehouse.admin, store: await KvStateStore.open(nc) }
    const actor = { account: world.trust.chain.admin, user: 'test' }
    const does = (command: Command, payload: object) => execute(admin, command, { actor, payload })
    await does(accountCommands.updateLimits, { account: 'LIMITED', limits: { connections: 7 } })
    await does(accountDeleteCommands.deleteAccount, { account: 'DELETED', force: true })
    expect((await heldBy(nc, limited))?.jti).toBe(before?.jti)
    expect(await heldBy(nc, deleted)).toBeDefined()
    expect(inside.isClosed()).toBe(false)

    await using again = await restart(world)
    expect((await heldBy(nc, limited))?.nats.limits?.conn).toBe(7)
    await inside.closed()
    expect(await heldBy(nc, deleted)).toBeUndefined()
    await eventually(async () => {
      await again.cleared()
      const { entries } = await admin.store.page('>', { after: 0, limit: 10_000 })
      return entries.every(({ key }) => key.startsWith('event.') || !key.includes(deleted))
    })
    expect(world.heard.failures).toEqual([])
  })
})

describe('an account that no resolver takes', () => {
  it('keeps nothing else from going on, is told once, and is pushed as soon as it can be', async () => {
    await using world = await openWorld()
    const door = await openDoor(world)
    const id = String((await door.done('account.create', { name: 'BIG' }))['account'])
    await world.gatehouse[Symbol.asyncDispose]()
    const store = await KvStateStore.open(await insideAuth(world))
    // As if an older release had let it in: beyond the 64 bits of a resolver.
    const { key, value, revision: expected } = await store.get(`account.${id}`)
    const limits = { payloadBytes: 9_999_999 * 2 ** 40 }
    await store.commit([{ key, value: { ...(value as Account), limits }, expected }])

    await using again = await restart(world)
    const told = (): unknown[] => world.heard.failures.filter((error) => String(error).includes('BIG'))
    await eventually(() => told().length > 0)
    await (await world.connectAs('alice@example.com')).close()
    const newer = await openDoor(world)
    await newer.done('account.create', { name: 'OTHER' })

    await newer.done('account.update-limits', { account: 'BIG', limits: { payload: 1_000 } })
    await again.accountsPushed()
    expect((await heldBy(await insideAuth(world), id))?.nats.limits?.payload).toBe(1_000)
    expect(told()).toHaveLength(1)
  })

  it('is tried again and again, and told once', async () => {
    await using world = await openWorld()
    const id = String((await (await openDoor(world)).done('account.create', { name: 'REFUSED' }))['account'])
    const account = world.gatehouse.directory.account(id) as Account
    const failures: string[] = []
    let [attempts, isReady] = [0, false]
    await using push = new AccountClaimsPush(world.gatehouse.connection.nc, {
      operatorSigner: () =>
        isReady ? Promise.resolve(world.trust.operatorSigner) : Promise.reject(new Error('no key')),
      claims: (each, issuedAt) => tenantClaims(each, { issuedAt, chain: world.trust.chain }),
      nowMs: Date.now,
      servers: () => 1,
      recount: () => void (attempts += 1),
      onError: (error) => void failures.push((error as Error).message),
    })
    void push.follow(account)
    await eventually(() => attempts === 3)
    // Whoever asks anew does not wait for the next attempt, and it is not told anew either.
    const again = push.follow(account)
    await eventually(() => attempts === 4)
    expect(failures).toEqual(['no key'])
    isReady = true
    await Promise.all([again, push.follow(account)])
    isReady = false
    const later = push.follow(account)
    await eventually(() => failures.length === 2)
    push.forget(id)
    await later
  })
})

describe('a deleted account', () => {
  it('that a late replica pushes once more is taken out again', async () => {
    await using world = await openWorld()
    const door = await openDoor(world)
    const id = String((await door.done('account.create', { name: 'LATE' }))['account'])
    const account = world.gatehouse.directory.account(id) as Account
    const nc = await insideAuth(world)
    await door.done('account.delete', { account: 'LATE' })
    expect(await heldBy(nc, id)).toBeUndefined()

    const claims = tenantClaims(account, {
      issuedAt: Math.floor(Date.now() / 1_000),
      chain: world.trust.chain,
    })
    await nc.request('$SYS.REQ.CLAIMS.UPDATE', encode(claims, world.trust.operatorSigner))
    expect(await heldBy(nc, id)).toBeDefined()
    await world.gatehouse.cleared()
    expect(await heldBy(nc, id)).toBeUndefined()
  })
})

describe('the push of an account', () => {
  it('is over when as many servers have it as there are, and not before', async () => {
    await using world = await openWorld()
    const id = String((await (await openDoor(world)).done('account.create', { name: 'COUNTED' }))['account'])
    const account = world.gatehouse.directory.account(id) as Account
    let servers = 2
    const failures: string[] = []
    await using push = new AccountClaimsPush(world.gatehouse.connection.nc, {
      operatorSigner: () => Promise.resolve(world.trust.operatorSigner),
      claims: (each, issuedAt) => tenantClaims(each, { issuedAt, chain: world.trust.chain }),
      nowMs: Date.now,
      servers: () => servers,
      recount: () => undefined,
      onError: (error) => void failures.push((error as Error).message),
    })
    const pushed = push.follow(account)
    await eventually(() => failures.length > 0)
    expect(failures[0]).toBe('not every resolver answered')
    servers = 1
    await pushed
    expect(await heldBy(await insideAuth(world), id)).toMatchObject({ name: 'COUNTED' })

    // Nothing is pushed any more of an account that is gone.
    servers = 2
    const never = push.follow(account)
    await eventually(() => failures.length > 1)
    push.forget(id)
    await never
  })
})
