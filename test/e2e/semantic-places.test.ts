import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { Svcm } from '@nats-io/services'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command } from '../support/clients.ts'
import { adminOf, api, ask, isRefused, owner, permitted } from '../support/permitted.ts'
import { temporaryFolder, type Folder } from '../support/programs.ts'
import { openWorld, PROJECT, type World } from '../support/world.ts'

let folder: Folder
let world: World
let root: NatsConnection
beforeAll(async () => {
  folder = await temporaryFolder()
  const configFile = join(folder.path, 'hub.conf')
  const usual = await readFile(join(PROJECT, 'nats-server.conf'), 'utf8')
  await writeFile(configFile, usual.replace('jetstream {', 'jetstream {\n  domain: hub'))
  world = await openWorld({ configFile })
  root = await owner(world)
  // nats-server forgets its own domain in an account whose JWT is updated, so this one is made and left alone.
  await command(await adminOf(world), 'account.create', { name: 'HUB', limits: { jetstream: {} } })
  for (const nc of [root, await owner(world, 'HUB')]) {
    const jsm = await jetstreamManager(nc)
    const memory = { storage: StorageType.Memory, allow_direct: true }
    await jsm.streams.add({ name: 'ORDERS', subjects: ['orders.>'], ...memory })
    await jsm.streams.add({ name: 'KV_config', subjects: ['$KV.config.>'], ...memory })
    await jsm.consumers.add('ORDERS', { durable_name: 'workers', ack_policy: 'explicit' })
    await jetstream(nc).publish('orders.a', 'hello')
  }
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

describe('in a domain', () => {
  const permittedHere = (permissions: object) => permitted(world, permissions, 'HUB')

  it('a stream is read and a consumer used through the API of the domain, and through no other', async () => {
    const nc = await permittedHere({
      allow: [
        { stream: 'ORDERS', may: ['read'], domain: 'hub' },
        { consumer: 'workers', stream: 'ORDERS', may: ['use'], domain: 'hub' },
      ],
    })
    const js = jetstream(nc, { domain: 'hub' })
    const pushed = await (
      await js.consumers.getPushConsumer('ORDERS')
    ).consume({ callback: () => pushed.stop() })
    const message = await (await js.consumers.get('ORDERS', 'workers')).next({ expires: 5_000 })
    expect(message?.subject).toBe('orders.a')
    expect(await message?.ackAck()).toBe(true)
    const jsm = await jetstreamManager(nc, { domain: 'hub' })
    expect((await jsm.direct.getMessage('ORDERS', { seq: 1 }))?.string()).toBe('hello')
    for (const place of ['$JS.API', '$JS.leaf.API'])
      expect(await isRefused(nc, (nc) => api(nc, `${place}.STREAM.INFO.ORDERS`))).toBe(true)
  })

  it('keys are written through it, and nowhere else', async () => {
    const nc = await permittedHere({
      allow: [{ kv: 'config', may: ['write', 'read'], keys: ['a.>'], domain: 'hub' }],
    })
    await api(nc, '$JS.hub.API.$KV.config.a.x', 'value')
    expect((await ask(nc, '$JS.hub.API.DIRECT.GET.KV_config.$KV.config.a.x')).string()).toBe('value')
    for (const subject of ['$KV.config.a.x', '$JS.hub.API.$KV.config.b.x'])
      expect(await isRefused(nc, (nc) => api(nc, subject, 'value'))).toBe(true)
  })

  it('a deny that names none holds in the one that the server has', async () => {
    const everything = { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } }
    const nc = await permittedHere({ ...everything, deny: [{ stream: 'ORDERS', may: ['manage'] }] })
    for (const place of ['$JS.API', '$JS.hub.API'])
      expect(await isRefused(nc, (nc) => api(nc, `${place}.STREAM.PURGE.ORDERS`))).toBe(true)
    expect(await isRefused(nc, (nc) => api(nc, '$JS.hub.API.STREAM.INFO.ORDERS'))).toBe(false)
  })
})

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
      expect((await root.request(subject, '', { timeout: 5_000 })).json()).toMatchObject({ name: 'pricing' })

    expect(await isRefused(client, (nc) => ask(nc, '$SRV.PING'))).toBe(true)
    expect(await isRefused(client, (nc) => ask(nc, 'orders.a'))).toBe(true)
    expect(await isRefused(server, (nc) => ask(nc, 'pricing.of'))).toBe(true)
    expect(await hears(client, 'pricing.of', 'q')).toBe(false)
    expect([await hears(server, 'pricing.of', 'q'), await hears(server, 'pricing.of')]).toEqual([true, false])
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
