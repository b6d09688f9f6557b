import { jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { Svcm } from '@nats-io/services'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { command } from '../support/clients.ts'
import { adminOf, api, ask, isRefused, owner, permitted } from '../support/permitted.ts'
import { openWorld, type World } from '../support/world.ts'

describe.each([
  ['newest', newestServer],
  ['oldest', oldestServer],
])('on the %s nats-server', (_, server) => {
  let world: World
  let root: NatsConnection
  beforeAll(async () => {
    world = await openWorld({ binary: await server() })
    root = await owner(world)
    const jsm = await jetstreamManager(root)
    const memory = { storage: StorageType.Memory, allow_direct: true }
    await jsm.streams.add({ name: 'ORDERS', subjects: ['orders.>'], ...memory })
    await jetstream(root).publish('orders.a', 'hello')
  })
  afterAll(() => world[Symbol.asyncDispose]())

  describe('behind an import', () => {
    it('a stream of another account is read through the prefix, and nothing else', async () => {
      const admin = await adminOf(world)
      const given = { subject: '$JS.API.>', type: 'service', access: 'public', responseType: 'Stream' }
      await command(admin, 'account.update-exports', { account: 'ORDERS', exports: [given] })
      const imports = [
        { account: 'ORDERS', subject: '$JS.API.>', localSubject: 'from.orders.>', type: 'service' },
      ]
      await command(admin, 'account.update-imports', { account: 'ANALYTICS', imports })
      const allow = [{ stream: 'ORDERS', may: ['read'], prefix: 'from.orders' }]
      const [all, nc] = [await owner(world, 'ANALYTICS'), await permitted(world, { allow }, 'ANALYTICS')]
      const js = await jetstreamManager(nc, { apiPrefix: 'from.orders' })
      expect((await js.streams.getMessage('ORDERS', { seq: 1 }))?.string()).toBe('hello')
      for (const subject of ['from.orders.STREAM.PURGE.ORDERS', 'from.orders.STREAM.LIST']) {
        expect(await isRefused(nc, (nc) => api(nc, subject))).toBe(true)
        expect(await isRefused(all, (nc) => api(nc, subject))).toBe(false)
      }
      expect(await isRefused(nc, (nc) => api(nc, '$JS.API.STREAM.INFO.ORDERS'))).toBe(true)
    })
  })

  describe('of services and requests', () => {
    const pricing = (may: string, more: object = {}) => ({
      service: 'pricing',
      subjects: ['pricing.*'],
      may: [may],
      ...more,
    })
    const hears = async (nc: NatsConnection, subject: string, queue?: string): Promise<boolean> => {
      const subscription = nc.subscribe(subject, {
        ...(queue === undefined ? {} : { queue }),
        callback: () => undefined,
      })
      await nc.flush()
      const isOpen = !subscription.isClosed()
      subscription.unsubscribe()
      return isOpen
    }

    it('serve is being a micro service that is found and asked; request is asking it', async () => {
      const server = await permitted(world, { allow: [pricing('serve', { queue: 'q' })] })
      const client = await permitted(world, { allow: [pricing('request')] })
      const service = await new Svcm(server).add({ name: 'pricing', version: '1.0.0', queue: 'q' })
      service.addEndpoint('of', { subject: 'pricing.of', handler: (_, message) => message.respond('42') })
      await server.flush()

      expect((await client.request('pricing.of', '', { timeout: 5_000 })).string()).toBe('42')
      for (const subject of ['$SRV.PING', '$SRV.INFO.pricing', `$SRV.STATS.pricing.${service.info().id}`])
        expect((await root.request(subject, '', { timeout: 5_000 })).json()).toMatchObject({
          name: 'pricing',
        })

      expect(await isRefused(client, (nc) => ask(nc, '$SRV.PING'))).toBe(true)
      expect(await isRefused(client, (nc) => ask(nc, 'orders.a'))).toBe(true)
      expect(await isRefused(server, (nc) => ask(nc, 'pricing.of'))).toBe(true)
      expect(await hears(client, 'pricing.of', 'q')).toBe(false)
      expect([await hears(server, 'pricing.of', 'q'), await hears(server, 'pricing.of')]).toEqual([
        true,
        false,
      ])
      for (const subject of ['$SRV.PING.billing', '$SRV.>', 'orders.a']) {
        expect(await hears(server, subject)).toBe(false)
        expect(await hears(root, subject)).toBe(true)
      }
    })

    it('reply is hearing requests and answering each once', async () => {
      const replier = await permitted(world, { allow: [{ 'request-reply': 'time.get', may: ['reply'] }] })
      const asker = await permitted(world, { allow: [{ 'request-reply': 'time.get', may: ['request'] }] })
      replier.subscribe('time.get', { callback: (_, message) => void message.respond('now') })
      await replier.flush()
      expect((await asker.request('time.get', '', { timeout: 5_000 })).string()).toBe('now')
      expect(await isRefused(replier, (nc) => ask(nc, 'time.get'))).toBe(true)
      expect(await hears(asker, 'time.get')).toBe(false)
      expect(await hears(replier, 'time.set')).toBe(false)
    })

    it('a deny takes serving away in every group, and asking', async () => {
      const everything = { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } }
      const deny = [pricing('serve'), { 'request-reply': 'time.get', may: ['request'] }]
      const nc = await permitted(world, { ...everything, deny })
      expect([
        await hears(nc, 'pricing.of'),
        await hears(nc, 'pricing.of', 'q'),
        await hears(nc, '$SRV.INFO.pricing'),
      ]).toEqual([false, false, false])
      expect(await hears(nc, '$SRV.INFO')).toBe(true)
      expect(await isRefused(nc, (nc) => ask(nc, 'time.get'))).toBe(true)
    })
  })
})
