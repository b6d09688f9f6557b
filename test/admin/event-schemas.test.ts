import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NatsConnection } from '@nats-io/transport-node'
import { format, resolveConfig } from 'prettier'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventCatalog } from '../../src/admin/event-catalog.ts'
import { eventDefinitions, eventJsonSchemas } from '../../src/admin/event-schemas.ts'
import type { AuditEvent } from '../../src/admin/transaction.ts'
import { eventFaults, typeOf } from '../support/events.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, PROJECT, type World } from '../support/world.ts'
import { ask, auditOf, type Heard } from './bus.ts'

const types = Object.keys(eventDefinitions)
const SCHEMAS = join(PROJECT, 'docs', 'schemas', 'events')
const PAGE = join(PROJECT, 'docs', 'events.md')
const UPDATE = 'is out of date: run "npm run schemas"'
const [BEGIN, END] = ['<!-- every event: written by npm run schemas -->', '<!-- end -->']

async function formatted(file: string, text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(file)), filepath: file })
}

describe('the schemas of docs/schemas/events', () => {
  it.each(types)('(%s) are what the code says', async (type) => {
    const file = join(SCHEMAS, `${type}.json`)
    const text = await formatted(file, JSON.stringify(eventJsonSchemas().get(`${type}.json`)))
    await expect(text, `docs/schemas/events ${UPDATE}`).toMatchFileSnapshot(file)
  })

  it('are of every type and of no other', () => {
    expect(readdirSync(SCHEMAS).sort()).toEqual(types.map((type) => `${type}.json`).sort())
  })

  it.each(types)('(%s) accept the example', (type) => {
    const event: AuditEvent = {
      subject: `auth.event.operator.${type}`,
      data: { ...eventDefinitions[type]!.example, timestamp: '2027-01-31T12:00:00.000Z' },
      metadata: { service: 'gatehouse', version: '1', schema: 1, id: '01', correlationId: '01' },
    }
    expect(eventFaults(event)).toEqual([])
  })

  it('describe every field of the data', () => {
    for (const type of types) {
      const { properties } = eventJsonSchemas().get(`${type}.json`) as {
        properties: { data: { properties: Record<string, { description?: string }> } }
      }
      const bare = Object.entries(properties.data.properties).filter(([, { description }]) => !description)
      expect(
        bare.map(([field]) => `${type}.${field}`),
        type,
      ).toEqual([])
    }
  })
})

describe('docs/events.md', () => {
  it('lists every event as the code says it', async () => {
    const page = readFileSync(PAGE, 'utf8')
    const [before = '', rest = ''] = page.split(BEGIN)
    const after = rest.split(END)[1] ?? ''
    const text = await formatted(PAGE, `${before}${BEGIN}\n\n${eventCatalog()}\n\n${END}${after}`)
    await expect(text, `docs/events.md ${UPDATE}`).toMatchFileSnapshot(PAGE)
  })
})

describe('every event that a run of the commands makes', () => {
  let world: World
  let admin: NatsConnection
  let audit: readonly Heard[]
  beforeAll(async () => {
    world = await openWorld({ throttle: { failures: 1 } })
    admin = await world.connectAs('admin')
    audit = await auditOf(world)
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const [account, user, policy, role] = ['SHOP', 'sam', 'seller', 'sales']
  const inShop = { account, user }
  const window = { zone: 'Europe/Berlin', start: '08:00', end: '18:00', days: ['mon'] }
  /** By and by everything that can happen. A type that is new needs a command here that makes it happen. */
  const RUN: readonly (readonly [name: string, request: object])[] = [
    [
      'policy.create',
      { name: policy, description: 'd', publish: { allow: ['a'] }, responses: { max: 1, ttl: '1m' } },
    ],
    ['policy.update-permissions', { policy, publish: { allow: ['b'] } }],
    ['policy.update-limits', { policy, limits: { lifetime: '1h', sources: ['10.0.0.0/8'] } }],
    ['policy.update-limits', { policy, limits: { sessions: 2, windows: [window] } }],
    ['policy.set-delegable', { policy, delegable: true }],
    ['policy.set-description', { policy, description: 'For partners.' }],
    ['policy.rollback', { policy, version: 1 }],
    ['policy.rename', { policy, name: 'vendor' }],
    ['policy.rename', { policy: 'vendor', name: policy }],
    ['account.create', { name: account, limits: { connections: 5, jetstream: { disk: '1GiB' } } }],
    ['account.update-limits', { account, limits: { payload: '64KiB' } }],
    ['account.set-default-policy', { account, policy }],
    ['account.set-default-policy', { account }],
    ['account.set-boundary-policy', { account, policy }],
    ['account.set-boundary-policy', { account }],
    ['account.update-metadata', { account, description: 'a shop', metadata: { tier: 'gold' } }],
    ['account.set-expiry', { account, expiresAt: '2999-01-01T00:00:00Z' }],
    ['account.set-expiry', { account }],
    ['account.suspend', { account, reason: 'unpaid' }],
    ['account.reactivate', { account }],
    [
      'account.update-exports',
      { account, exports: [{ subject: 'prices.>', type: 'stream', access: 'private' }] },
    ],
    ['account.create-activation', { account, export: 'prices.>', for: 'ORDERS', ttl: '1h' }],
    ['account.revoke-activation', { account, export: 'prices.>', for: 'ORDERS' }],
    [
      'account.update-exports',
      { account: 'ORDERS', exports: [{ subject: 'x.>', type: 'stream', access: 'public' }] },
    ],
    ['account.update-imports', { account, imports: [{ account: 'ORDERS', subject: 'x.>', type: 'stream' }] }],
    ['role.create', { name: role, policies: [policy] }],
    ['role.set-description', { role, description: 'On call.' }],
    ['role.update', { role, policies: [] }],
    ['user.create', { account, name: user, metadata: { team: 'x' } }],
    ['user.assign-policy', { ...inShop, policy }],
    ['user.remove-policy', { ...inShop, policy }],
    ['user.assign-role', { ...inShop, role }],
    ['user.remove-role', { ...inShop, role }],
    ['user.issue-token', { ...inShop, label: 'laptop', ttl: '1h' }],
    ['user.update-credentials', { ...inShop, credentials: [{ kind: 'password', password: 'wrong horse' }] }],
    ['user.update-metadata', { ...inShop, metadata: { team: 'y' } }],
    ['user.set-expiry', { ...inShop, expiresAt: '2999-01-01T00:00:00Z' }],
    ['user.lock', { ...inShop, reason: 'left' }],
    ['user.unlock', inShop],
    ['lockout.clear', { ...inShop, source: '10.1.2.3' }],
    ['policy.create', { account, name: 'own' }],
    ['policy.delete', { account, policy: 'own' }],
    ['operator.set-service-urls', { urls: ['nats://nats.example.com:4222'] }],
    ['operator.set-account-server-url', { url: 'nats://nats.example.com:4222' }],
    ['operator.set-description', { description: 'ours' }],
    ['operator.rotate-signing-key', {}],
  ]

  const isTold = (type: string): boolean => audit.some(({ event }) => typeOf(event) === type)

  it('is as its schema says', async () => {
    for (const [command, payload] of RUN) {
      const { status, error } = await ask(admin, { command, payload })
      expect([command, status, error]).toEqual([command, 200, undefined])
    }
    await expect(world.connect({ user, pass: 'a guess' })).rejects.toThrow()
    const { body } = await ask(admin, { command: 'user.get', payload: inShop })
    const [held] = (body['user'] as { credentials: readonly { id: string }[] }).credentials
    const revoked = { ...inShop, credential: held!.id, reason: 'stolen' }
    const made = await ask(admin, { command: 'operator.create-signing-key' })
    const key = made.body['key']
    for (const [command, payload] of [
      ['operator.revoke-signing-key', { key, reason: 'leaked' }],
      ['user.revoke-credential', revoked],
      ['user.delete', inShop],
      ['role.delete', { role }],
      ['policy.delete', { policy }],
      ['account.delete', { account, reason: 'closed' }],
    ] as const)
      expect([command, (await ask(admin, { command, payload })).status]).toEqual([command, 200])
    await ask(admin, { command: 'account.create', payload: {} })
    await expect(world.connect({ user: 'nobody', pass: 'at all' })).rejects.toThrow()

    const [cut, { nc: service }] = [await world.connectAs('alice@example.com'), world.gatehouse.connection]
    await service.request(`$SYS.REQ.SERVER.${cut.info?.server_id}.KICK`, `{"cid":${cut.info?.client_id}}`)
    await eventually(() => isTold('user.logged_out'))
    await world.connectAs('alice@example.com')
    await ask(admin, {
      command: 'user.lock',
      payload: { account: 'ORDERS', user: 'alice@example.com', reason: 'left' },
    })

    const seen = (): ReadonlySet<string> => new Set(audit.map(({ event }) => typeOf(event)))
    const unseen = (): string[] => types.filter((type) => !seen().has(type))
    await eventually(() => unseen().length === 0).catch(() => undefined)
    expect(unseen(), 'types that nothing here makes happen').toEqual([])
    expect(audit.flatMap(({ event }) => eventFaults(event))).toEqual([])
    expect(audit.filter(({ event, subject }) => event.subject !== subject)).toEqual([])
  })
})
