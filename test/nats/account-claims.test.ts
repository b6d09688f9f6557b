import { describe, expect, it } from 'vitest'
import type { NatsConnection } from '@nats-io/transport-node'
import { accountLifeCommands } from '../../src/admin/account-life.ts'
import { accountCommands } from '../../src/admin/account.ts'
import type { Command } from '../../src/admin/command.ts'
import { execute } from '../../src/admin/execute.ts'
import { accountNamed } from '../../src/admin/lookup.ts'
import { View } from '../../src/admin/transaction.ts'
import { validateAccount } from '../../src/jwt/account.ts'
import { adminClaims, tenantClaims } from '../../src/jwt/chain.ts'
import type { AccountClaims } from '../../src/jwt/claims.ts'
import { decode, encode } from '../../src/jwt/token.ts'
import { insideAuth } from '../admin/bus.ts'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { openWorld, type World } from '../support/world.ts'

async function held(nc: NatsConnection, account: string): Promise<AccountClaims> {
  const reply = await nc.request(`$SYS.REQ.ACCOUNT.${account}.CLAIMS.LOOKUP`, '')
  const decoded = decode(reply.string())
  if (decoded.type !== 'account') throw new Error(`the resolver has a JWT of type ${decoded.type}`)
  return decoded.claims
}

/** The claims of an account as the state wants them, and as the resolver has them. */
async function both(world: World, nc: NatsConnection, name: string) {
  const account = await accountNamed(new View(world.gatehouse.admin.store), name)
  const there = await held(nc, account.id)
  const issue = { issuedAt: there.iat, chain: world.trust.chain }
  const wanted =
    account.role === 'admin'
      ? adminClaims(account, issue, world.trust.calloutSigner)
      : tenantClaims(account, issue)
  const { iss: _iss, jti: _jti, ...said } = there
  return { account, there, said, wanted: JSON.parse(JSON.stringify(wanted)) as unknown }
}

describe.each([
  ['the newest server', newestServer],
  ['the oldest server', oldestServer],
])('the account JWTs of %s', (_, binary) => {
  it('follow the state, and come back to it', async () => {
    await using world = await openWorld({ binary: await binary() })
    const nc = await insideAuth(world)
    const actor = { account: world.trust.chain.admin, user: 'test' }
    const limit = (connections: number) =>
      execute(world.gatehouse.admin, accountCommands.updateLimits, {
        actor,
        payload: { account: 'NEW', limits: { connections } },
      })

    // Of the samples, and of a command.
    await execute(world.gatehouse.admin, accountCommands.createAccount, { actor, payload: { name: 'NEW' } })
    await world.gatehouse.accountsPushed()
    for (const name of ['ADMIN', 'ORDERS', 'ANALYTICS', 'NEW']) {
      const { there, said, wanted } = await both(world, nc, name)
      expect(said).toEqual(wanted)
      expect(there.iss).toBe(world.trust.operatorSigner.publicKey)
      expect(validateAccount(there)).toEqual([])
    }

    // Nothing changed: nothing is pushed.
    const created = await both(world, nc, 'NEW')
    await world.gatehouse.accountsPushed()
    expect((await both(world, nc, 'NEW')).there.jti).toBe(created.there.jti)

    // Changed, and changed again within the same second.
    let { iat } = created.there
    for (const connections of [1, 2]) {
      await limit(connections)
      await world.gatehouse.accountsPushed()
      const { there, said, wanted } = await both(world, nc, 'NEW')
      expect(said).toEqual(wanted)
      expect(there.nats.limits?.conn).toBe(connections)
      expect(there.iat).toBeGreaterThan(iat)
      iat = there.iat
    }

    // Changed many times at once: the last one stands.
    for (let connections = 3; connections <= 12; connections += 1) await limit(connections)
    await world.gatehouse.accountsPushed()
    const after = await both(world, nc, 'NEW')
    expect(after.there.nats.limits?.conn).toBe(12)
    expect(after.there.iat).toBeGreaterThan(iat)

    // Somebody else pushes, with a time that is ahead of ours.
    const { nats, ...rest } = after.there
    const foreign = { ...rest, iat: rest.iat + 100, nats: { ...nats, limits: { ...nats.limits, conn: -1 } } }
    await nc.request('$SYS.REQ.CLAIMS.UPDATE', encode(foreign, world.trust.operatorSigner))
    expect((await held(nc, after.account.id)).nats.limits?.conn).toBe(-1)
    await world.gatehouse.accountsPushed()
    const repaired = await both(world, nc, 'NEW')
    expect(repaired.said).toEqual(repaired.wanted)
    expect(repaired.there.nats.limits?.conn).toBe(12)
    expect(repaired.there.iat).toBeGreaterThan(foreign.iat)
    expect(world.heard.failures).toEqual([])
  })

  it('of SYS and AUTH come back too, though nobody answers an update of SYS', async () => {
    await using world = await openWorld({ binary: await binary() })
    const nc = await insideAuth(world)
    for (const id of [world.trust.chain.system, world.trust.chain.callout]) {
      const before = await held(nc, id)
      const foreign = { ...before, name: 'FOREIGN', iat: before.iat + 100 }
      nc.publish('$SYS.REQ.CLAIMS.UPDATE', encode(foreign, world.trust.operatorSigner))
      await nc.flush()
      expect((await held(nc, id)).name).toBe('FOREIGN')
      await world.gatehouse.accountsPushed()
      const { iat, jti, ...after } = await held(nc, id)
      const { iat: _iat, jti: _jti, ...there } = before
      expect(iat).toBeGreaterThan(foreign.iat)
      expect(jti).not.toBe(before.jti)
      expect(after.name).toBe(there.name)
      expect(after.nats.exports).toEqual(there.nats.exports)
    }
    // The service is still inside, and asks SYS what it asked before.
    await (await world.connectAs('alice@example.com')).close()
    await world.gatehouse.accountsPushed()
    expect(world.heard.failures).toEqual([])
  })

  it('say who may not connect, and for how long', async () => {
    await using world = await openWorld({ binary: await binary() })
    const nc = await insideAuth(world)
    const actor = { account: world.trust.chain.admin, user: 'test' }
    const does = async (command: Command, payload: object) => {
      await execute(world.gatehouse.admin, command, { actor, payload: { account: 'ORDERS', ...payload } })
      await world.gatehouse.accountsPushed()
      const { there, said, wanted } = await both(world, nc, 'ORDERS')
      expect(said).toEqual(wanted)
      expect(validateAccount(there)).toEqual([])
      return there
    }
    const { there: before } = await both(world, nc, 'ORDERS')
    const { suspendAccount, reactivateAccount, setExpiry } = accountLifeCommands

    const suspended = await does(suspendAccount, { reason: 'unpaid' })
    expect(suspended.nats.limits).toEqual({ ...before.nats.limits, conn: 0, leaf: 0 })
    const active = await does(reactivateAccount, {})
    expect(active.nats).toEqual(before.nats)

    const nextYear = new Date(Date.UTC(new Date().getUTCFullYear() + 1, 0))
    expect(await does(setExpiry, { expiresAt: nextYear.toISOString() })).toMatchObject({
      exp: nextYear.getTime() / 1_000,
    })
    // Over already: a server ends an account only by an `exp` that is still ahead, and those inside with it.
    const inside = await world.connectAs('alice@example.com')
    const over = await does(setExpiry, { expiresAt: '2020-01-01T00:00:00Z' })
    expect(over).toMatchObject({ exp: over.iat + 2 })
    await inside.closed()
    await world.gatehouse.accountsPushed()
    expect((await both(world, nc, 'ORDERS')).there.jti).toBe(over.jti)
    const suspendedToo = await does(suspendAccount, { reason: 'unpaid' })
    expect(suspendedToo).toMatchObject({ exp: suspendedToo.iat + 2, nats: { limits: { conn: 0 } } })
    await does(reactivateAccount, {})
    const endless = await does(setExpiry, {})
    expect(endless).not.toHaveProperty('exp')
    expect(endless.nats).toEqual(before.nats)
    expect(world.heard.failures).toEqual([])
  })
})
