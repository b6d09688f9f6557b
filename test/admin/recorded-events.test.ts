import { headers, tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditEvent } from '../../src/admin/transaction.ts'
import { createUser } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { ask, auditOf, insideAuth, type Heard } from './bus.ts'

let world: World
let admin: NatsConnection
let audit: readonly Heard[]
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
  audit = await auditOf(world)
})
afterAll(() => world[Symbol.asyncDispose]())

const typeOf = ({ subject }: Heard): string => subject.split('.').slice(3).join('.')
const ofType = (type: string): readonly Heard[] => audit.filter((heard) => typeOf(heard) === type)

function refusal(correlationId: string): Promise<Heard> {
  return eventually(() =>
    ofType('command.refused').find(({ event }) => event.metadata['correlationId'] === correlationId),
  )
}

async function accountId(name: string): Promise<string> {
  const { body } = await ask(admin, { command: 'account.get', payload: { account: name } })
  return (body['account'] as { readonly id: string }).id
}

describe('a refused command', () => {
  it('is an event where its caller lives, with the rules that were broken and no value', async () => {
    const secret = 'correct horse battery staple'
    const payload = {
      commandId: 'r-1',
      correlationId: 'why-1',
      account: 'ORDERS',
      user: 'x',
      credentials: [{ kind: 'password', password: secret, extra: secret }],
    }
    const { error } = await ask(admin, { command: 'user.update-credentials', payload })
    const { subject, event } = await refusal('why-1')
    expect(subject).toBe(`auth.event.${world.trust.chain.admin}.command.refused`)
    expect(event).toMatchObject({
      subject,
      data: {
        command: 'user.update-credentials',
        code: 'invalid_request',
        message: error.message,
        faults: error.faults,
      },
      metadata: {
        schema: 1,
        service: 'gatehouse',
        commandId: 'r-1',
        correlationId: 'why-1',
        actor: { account: world.trust.chain.admin, user: 'admin' },
      },
    })
    expect(event.data['timestamp']).toBeDefined()
    expect(JSON.stringify(event)).not.toContain(secret)
  })

  it('of another account is told there', async () => {
    const token = await createUser(admin, 'ORDERS', { name: 'tenant', policies: ['admin'] })
    const tenant = await world.connect({ authenticator: tokenAuthenticator(token) })
    const payload = { correlationId: 'why-2', name: 'NEW' }
    expect((await ask(tenant, { command: 'account.create', payload })).status).toBe(403)
    const { subject, event } = await refusal('why-2')
    expect(subject).toBe(`auth.event.${await accountId('ORDERS')}.command.refused`)
    expect(event.metadata['actor']).toMatchObject({ user: 'tenant' })
  })

  it.each(['auth.evil', '*', '>', 'A', `A${'B'.repeat(55)}.x`, 'operator', ''])(
    'of a caller that is no account (%s) reaches no subject but the operator’s',
    async (account) => {
      const inside = await insideAuth(world)
      const forged = headers() // Inside AUTH there is no server in between that would name the caller.
      forged.set('Nats-Request-Info', JSON.stringify({ acc: account, user: 'x' }))
      const correlationId = `why-${account}`
      const payload = { correlationId, account: 'ORDERS', name: 'y' }
      expect((await ask(inside, { command: 'user.create', payload, headers: forged })).error).toBeDefined()
      const found = await eventually(() =>
        ofType('command.refused').find(({ event }) => {
          const actor = event.metadata['actor'] as { readonly account: string } | undefined
          return event.metadata['correlationId'] === correlationId || (account === '' && actor === undefined)
        }),
      )
      expect(found.subject).toBe('auth.event.operator.command.refused')
    },
  )

  it('with ids that are none is told without them', async () => {
    const payload = { correlationId: 'x'.repeat(1_000), commandId: 'a b' }
    await ask(admin, { command: 'role.list', payload })
    const isThis = ({ event }: Heard): boolean => event.data['command'] === 'role.list'
    const { event } = await eventually(() => ofType('command.refused').find(isThis))
    expect(event.metadata['commandId']).toBeUndefined()
    expect(event.metadata['correlationId']).toBe(event.metadata['id'])
  })
})

describe('a flood of refusals', () => {
  it('leaves a bounded number of events, and one that counts the rest', async () => {
    await using flooded = await openWorld()
    const heard = await auditOf(flooded)
    const caller = await flooded.connectAs('admin')
    for (let n = 0; n < 20; n += 1)
      await Promise.all(Array.from({ length: 60 }, () => ask(caller, { command: 'user.create' })))
    const told = (): readonly Heard[] => heard.filter((each) => typeOf(each) === 'command.refused')
    await flooded.gatehouse[Symbol.asyncDispose]()
    const counts = (): number[] => told().map(({ event }) => Number(event.data['count'] ?? 1))
    await eventually(() => counts().reduce((sum, count) => sum + count, 0) === 1_200)
    expect(counts()).toHaveLength(1_001)
    expect(counts().at(-1)).toBe(200)
  })
})

describe('a connection', () => {
  it('that is let in is an event of its account', async () => {
    const token = await createUser(admin, 'ORDERS', { name: 'carol' })
    await world.connect({ authenticator: tokenAuthenticator(token), name: 'shop' })
    const { subject, event } = await eventually(() =>
      ofType('user.logged_in').find((heard) => heard.event.data['name'] === 'carol'),
    )
    const account = await accountId('ORDERS')
    expect(subject).toBe(`auth.event.${account}.user.logged_in`)
    const { user, credential } = world.heard.admitted.find(({ user }) => user.name === 'carol')!
    expect(event.data).toMatchObject({
      userId: user.id,
      name: 'carol',
      accountId: account,
      credentialId: credential.id,
      ip: '127.0.0.1',
      userAgent: expect.stringMatching(/^shop nats\.js\/\d/) as string,
      decisionId: expect.stringMatching(/^U[A-Z2-7]{55}$/) as string,
    })
    expect(event.data['timestamp']).toBeDefined()
    expect(event.metadata).toMatchObject({ actor: { account, user: 'carol' }, schema: 1 })
    expect(JSON.stringify(event)).not.toContain(token)
  })

  it('of a user with a wrong password is an event of the user’s account, without the password', async () => {
    const password = 'correct horse battery staple'
    await createUser(admin, 'ORDERS', { name: 'dave' })
    const credentials = [{ kind: 'password', password }]
    const payload = { account: 'ORDERS', user: 'dave', credentials }
    await ask(admin, { command: 'user.update-credentials', payload })
    await expect(world.connect({ user: 'dave', pass: `${password}!` })).rejects.toThrow()
    const { subject, event } = await eventually(() =>
      ofType('user.login_failed').find((heard) => heard.event.data['name'] === 'dave'),
    )
    expect(subject).toBe(`auth.event.${await accountId('ORDERS')}.user.login_failed`)
    expect(event.data).toMatchObject({ reason: 'wrong_password', ip: '127.0.0.1' })
    expect(JSON.stringify(event)).not.toContain(password)
  })

  it('of a user who is locked names the credential', async () => {
    const token = await createUser(admin, 'ORDERS', { name: 'erin' })
    await ask(admin, { command: 'user.lock', payload: { account: 'ORDERS', user: 'erin', reason: 'left' } })
    await expect(world.connect({ authenticator: tokenAuthenticator(token) })).rejects.toThrow()
    const { event } = await eventually(() =>
      ofType('user.login_failed').find((heard) => heard.event.data['name'] === 'erin'),
    )
    expect(event.data).toMatchObject({ reason: 'user_locked' })
    expect(event.data['credentialId']).toBeDefined()
  })

  it('of nobody is told to the operator, and nothing of what it offered', async () => {
    const offered = { user: 'mallory-4711', pass: 'guess-4711' }
    await expect(world.connect(offered)).rejects.toThrow()
    const { event } = await eventually(() =>
      ofType('user.login_failed').find(({ subject }) => subject.startsWith('auth.event.operator.')),
    )
    expect(event.data).toMatchObject({ reason: 'unknown_credential' })
    expect(JSON.stringify(event)).not.toContain('4711')
  })

  it('is let in though no event can be written', async () => {
    await using crippled = await openWorld()
    const inside = await insideAuth(crippled)
    const { error } = (await inside.request('$JS.API.STREAM.DELETE.auth-events')).json<{ error?: unknown }>()
    expect(error).toBeUndefined()
    for (let n = 0; n < 5; n += 1) await (await crippled.connectAs('alice@example.com')).close()
    const lost = (): boolean => crippled.heard.log.some((line) => line.includes('event.lost'))
    await eventually(lost, 20_000)
    await crippled.connectAs('alice@example.com')
  })
})

it('every event has an id of its own', () => {
  const ids = audit.map(({ event }: { event: AuditEvent }) => event.metadata['id'])
  expect(new Set(ids).size).toBe(ids.length)
})
