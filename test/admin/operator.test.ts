import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operatorCommands } from '../../src/admin/operator.ts'
import { buildOperator, validateOperator } from '../../src/jwt/operator.ts'
import { decode } from '../../src/jwt/token.ts'
import { filesUnder } from '../support/up.ts'
import { openWorld, type World } from '../support/world.ts'
import { auditOf, type Heard } from './bus.ts'
import { openDoor, type Door } from './door.ts'
import { eventually } from '../support/eventually.ts'

interface Seen {
  readonly operator: {
    readonly id: string
    readonly name: string
    readonly signingKeys: readonly {
      readonly publicKey: string
      readonly status: string
      readonly trusted?: boolean
    }[]
    readonly serviceUrls: readonly string[]
    readonly description?: string
  }
  readonly jwt: string
  readonly restart: readonly string[]
}

let world: World
let door: Door
let heard: readonly Heard[]
beforeAll(async () => {
  world = await openWorld()
  door = await openDoor(world)
  heard = await auditOf(world)
})
afterAll(() => world[Symbol.asyncDispose]())

const get = async (): Promise<Seen> => {
  const { body } = await door.command('operator.get')
  return operatorCommands.getOperator.response.parse(body) as unknown as Seen
}
const claimsOf = (jwt: string) => {
  const decoded = decode(jwt)
  if (decoded.type !== 'operator') throw new Error(`it is a JWT of type ${decoded.type}`)
  return decoded.claims
}
const statuses = ({ operator }: Seen): string[] => operator.signingKeys.map(({ status }) => status)

describe('the operator', () => {
  it('is shown with its keys, and the JWT that servers were started with', async () => {
    const seen = await get()
    expect(seen.operator).toMatchObject({ id: world.trust.operator, name: 'gatehouse', signing: 'strict' })
    expect(seen.operator.signingKeys).toMatchObject([
      { publicKey: world.trust.operatorSigner.publicKey, status: 'signing', trusted: true },
    ])
    expect(seen.jwt).toBe(world.trust.operatorJwt)
    expect(seen.restart).toEqual([])
  })

  it('gets keys that sign once servers trust them, and loses those that are not needed', async () => {
    const before = await get()
    const old = before.operator.signingKeys[0]!.publicKey
    const { key: made } = await door.done('operator.create-signing-key', {
      expiresAt: '2999-01-01T00:00:00Z',
    })
    const { key: next } = await door.done('operator.rotate-signing-key', { retire: old })
    const seen = await get()
    expect(statuses(seen)).toEqual(['signing', 'untrusted', 'untrusted'])
    expect(seen.operator.signingKeys).toMatchObject([
      { publicKey: old, retiringSince: expect.any(String) as string },
      { publicKey: made, expiresAt: '2999-01-01T00:00:00Z' },
      { publicKey: next },
    ])
    const claims = claimsOf(seen.jwt)
    expect(claims.nats.signing_keys).toEqual([old, made, next])
    expect(claims.iss).toBe(world.trust.operator)
    expect(validateOperator(claims)).toEqual([])
    expect(seen.restart).toEqual(['gatehouse'])
    expect((await filesUnder(world.dir.path)).get('operator.jwt')).toBe(`${seen.jwt}\n`)

    // Sealed, wherever it is.
    expect(await world.gatehouse.directory.sealed(String(next))).toMatchObject({ publicKey: next })
    expect(JSON.stringify([...(await filesUnder(world.dir.path))])).not.toMatch(/SO[A-Z2-7]{56}/)

    // What servers trust must not go; what they do not may.
    const refused = await door.command('operator.revoke-signing-key', { key: old, reason: 'leaked' })
    expect([refused.status, refused.error.code]).toEqual([409, 'in_use'])
    expect(refused.error.message).toMatch(/restart the servers with the new operator JWT/)
    for (const key of [made, next])
      await door.done('operator.revoke-signing-key', { key, reason: 'by mistake' })
    expect(await door.done('operator.revoke-signing-key', { key: made, reason: 'again' })).toMatchObject({
      events: [],
    })
    const after = await get()
    expect(statuses(after)).toEqual(['signing', 'revoked', 'revoked'])
    expect(claimsOf(after.jwt).nats.signing_keys).toEqual([old])
    expect(await world.gatehouse.directory.sealed(String(next))).toBeUndefined()
    expect((await filesUnder(world.dir.path)).get('trust.json')).not.toContain(String(next))

    const types = ['signing_key_created', 'signing_key_rotated', 'signing_key_revoked', 'signing_key_revoked']
    const told = () => heard.filter(({ subject }) => subject.includes('.operator.signing_key_'))
    await eventually(() => told().length === types.length)
    expect(told().map(({ subject }) => subject)).toEqual(
      types.map((type) => `auth.event.operator.operator.${type}`),
    )
    expect(told().map(({ event }) => event.data)).toMatchObject([
      { operatorId: world.trust.operator, key: { publicKey: made } },
      { old: [old], new: { publicKey: next } },
      { key: made, reason: 'by mistake' },
      { key: next, reason: 'by mistake' },
    ])
  })

  it('tells where servers are', async () => {
    const urls = ['nats://a.example.com:4222', 'tls://b.example.com', 'wss://[::1]:443']
    expect(await door.done('operator.set-service-urls', { urls })).toMatchObject({
      events: [{ data: { old: [], new: urls } }],
    })
    await door.done('operator.set-account-server-url', { url: 'https://a.example.com/jwt/v1' })
    await door.done('operator.set-description', { description: 'ours' })
    const seen = await get()
    expect(seen.operator).toMatchObject({ serviceUrls: urls, description: 'ours' })
    const claims = claimsOf(seen.jwt)
    expect(claims.nats).toMatchObject({
      operator_service_urls: urls,
      account_server_url: 'https://a.example.com/jwt/v1',
    })
    expect(validateOperator(claims)).toEqual([])

    await door.done('operator.set-service-urls', { urls: [] })
    await door.done('operator.set-account-server-url')
    await door.done('operator.set-description')
    expect((await get()).operator).not.toHaveProperty('description')
    expect(claimsOf((await get()).jwt).nats).not.toHaveProperty('account_server_url')
  })

  it.each([
    'http://a.example.com',
    'nats://user:secret@a.example.com',
    'nats://a.example.com/path',
    'nats://a.example.com/',
    'nats://',
    'a.example.com:4222',
    'nats://a b',
    'nats://a:99999',
    '',
  ])('is not told to be at %j, as no tool would take that', async (url) => {
    const { status, error } = await door.command('operator.set-service-urls', { urls: ['nats://a', url] })
    expect([status, error.code]).toEqual([400, 'invalid_request'])
    expect(error.faults.map(({ where }) => where)).toEqual(['urls[1]']) // One fault of one URL.
    expect(JSON.stringify(error)).not.toContain('secret')
    if (url === '') return // nats-io/jwt lets an empty one pass, which says nothing.
    const identity = { publicKey: world.trust.operator, name: 'x', issuedAt: 0 }
    expect(validateOperator(buildOperator(identity, { operator_service_urls: [url] }))).toHaveLength(1)
  })

  it.each([
    ['operator.create-signing-key', { expiresAt: 'tomorrow' }, 'expiresAt'],
    ['operator.create-signing-key', { expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    ['operator.rotate-signing-key', { retire: 'A'.repeat(56) }, 'retire'],
    ['operator.revoke-signing-key', { key: 'SO', reason: 'x' }, 'key'],
    ['operator.set-account-server-url', { url: 'https://a:secret@b' }, 'url'],
  ])('%s names the field that is wrong', async (name, payload, where) => {
    const { status, error } = await door.command(name, payload)
    expect([status, error.faults[0]?.where]).toEqual([400, where])
  })

  it('is shown and changed by admins only', async () => {
    await door.done('user.create', { account: 'ORDERS', name: 'curious', policies: ['admin'] })
    const { token } = await door.done('user.issue-token', { account: 'ORDERS', user: 'curious' })
    const curious = await door.enter(String(token))
    for (const { name, example } of Object.values(operatorCommands)) {
      const reply = await curious.request(`auth.v1.${name}`, JSON.stringify(example))
      expect([name, reply.headers?.get('Nats-Service-Error-Code')]).toEqual([name, '403'])
    }
  })

  it('takes its own examples', async () => {
    for (const command of Object.values(operatorCommands))
      expect(command.request.safeParse(command.example).success).toBe(true)
    expect((await get()).operator.signingKeys).toHaveLength(3) // None of the above changed anything.
  })
})

describe('where root keys sign', () => {
  it('there are no signing keys, and none is made', async () => {
    await using rooted = await openWorld({ signing: 'root' })
    const rootDoor = await openDoor(rooted)
    const { body } = await rootDoor.command('operator.get')
    expect(body).toMatchObject({ operator: { signing: 'root', signingKeys: [] }, restart: [] })
    expect(body['jwt']).toBe(rooted.trust.operatorJwt)
    for (const name of ['operator.create-signing-key', 'operator.rotate-signing-key']) {
      const { status, error } = await rootDoor.command(name)
      expect([name, status, error.code]).toEqual([name, 403, 'forbidden'])
    }
    expect(rooted.heard.failures).toEqual([])
  })
})
