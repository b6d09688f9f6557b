import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { PermissionViolationError, RequestError, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, openTcp, type WireClient } from '../support/clients.ts'
import { openWorld, type World } from '../support/world.ts'

/** Who hears replies, with clients as they are, in an account with the default policy and in one of its own. */

const OPEN = 'SHARED'
const CLOSED = 'PRIVATE'

let world: World
let admin: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
  const policies = {
    asker: { publish: { allow: ['quotes.*'] } },
    'private-asker': { publish: { allow: ['quotes.*'] }, inbox: 'private' },
    quoter: { subscribe: { allow: ['quotes.*'] }, responses: {} },
    nosy: { subscribe: { allow: ['_INBOX.>', '_INBOX_.>', 'quotes.*'] } },
    everything: { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } },
    'nearly-everything': { subscribe: { allow: ['>'], deny: ['_INBOX_*.>', '_INBOX.>'] } },
    'private-base': { publish: { allow: ['auth.v1.whoami'] }, inbox: 'private' },
    'streams-user': { publish: { allow: ['jobs.*', '$JS.API.>', '$JS.ACK.>'] } },
  }
  for (const [name, said] of Object.entries(policies))
    await command(admin, 'policy.create', { name, ...said })
  await command(admin, 'account.create', { name: OPEN })
  await command(admin, 'account.create', {
    name: CLOSED,
    defaultPolicy: 'private-base',
    limits: { jetstream: { memory: '1MiB', disk: '1MiB' } },
  })
})
afterAll(() => world[Symbol.asyncDispose]())

interface Somebody {
  readonly token: string
  readonly inboxPrefix: string
}

let made = 0
async function somebody(account: string, ...policies: string[]): Promise<Somebody> {
  const user = `user-${(made += 1)}`
  const created = await command(admin, 'user.create', { account, name: user, policies })
  const { token, inboxPrefix } = await command(admin, 'user.issue-token', { account, user })
  const { user: seen } = await command(admin, 'user.get', { account, user })
  expect(created['inboxPrefix']).toBe(`_INBOX_${String(created['user'])}`)
  expect(inboxPrefix).toBe(created['inboxPrefix'])
  expect(seen).toMatchObject({ inboxPrefix })
  return { token: String(token), inboxPrefix: String(inboxPrefix) }
}

const withPrefix = ({ token, inboxPrefix }: Somebody) => world.connect({ token, inboxPrefix })
const unchanged = ({ token }: Somebody) => world.connect({ token })
async function byHand({ token }: Somebody): Promise<WireClient> {
  const client = await openTcp(world.server.ports.nats)
  await client.connect({ auth_token: token })
  return client
}

/** Answers every quote with its price. */
async function quoter(account: string): Promise<WireClient> {
  const client = await byHand(await somebody(account, 'quoter'))
  client.subscribe('quotes.*')
  await client.settle()
  void (async () => {
    for (let answered = 0; ; answered += 1) {
      await client.until(() => client.delivered.length > answered)
      client.publish(client.delivered[answered]!.reply ?? 'nowhere', 'expensive')
    }
  })().catch(() => undefined) // Until the connection ends.
  return client
}
const ask = async (nc: NatsConnection): Promise<string> => (await nc.request('quotes.tea', '')).string()

/** What the server says to a subscribe: `heard`, or `refused`. */
async function trySubscribe(client: WireClient, subject: string): Promise<'heard' | 'refused'> {
  const before = client.errors.length
  client.subscribe(subject)
  await client.settle()
  return client.errors.slice(before).some((text) => text.includes(`Subscription to "${subject}"`))
    ? 'refused'
    : 'heard'
}

describe('a user with the policy base', () => {
  it('asks and is answered with a client as it is, and with an inbox of its own', async () => {
    await using _ = await quoter(OPEN)
    const alice = await somebody(OPEN, 'asker')
    expect(await ask(await unchanged(alice))).toBe('expensive')
    expect(await ask(await withPrefix(alice))).toBe('expensive')
    expect(await command(await unchanged(alice), 'whoami', {})).toMatchObject({
      inboxPrefix: alice.inboxPrefix,
      sharedInbox: true,
    })
  })

  it('is overheard by another in the shared inbox, and not in its own', async () => {
    await using _ = await quoter(OPEN)
    const alice = await somebody(OPEN, 'asker')
    await using eve = await byHand(await somebody(OPEN, 'nosy'))
    expect(await trySubscribe(eve, '_INBOX.>')).toBe('heard')
    expect(await trySubscribe(eve, `${alice.inboxPrefix}.>`)).toBe('refused')
    await ask(await withPrefix(alice))
    await ask(await unchanged(alice))
    await eve.until(() => eve.delivered.length > 0)
    await eve.settle()
    expect(eve.delivered.map(({ subject }) => subject.split('.')[0])).toEqual(['_INBOX'])
  })
})

describe('a user whose inbox is private', () => {
  it('is answered when its client has the prefix, and told so when it has not', async () => {
    await using _ = await quoter(OPEN)
    const alice = await somebody(OPEN, 'private-asker')
    const nc = await withPrefix(alice)
    expect(await ask(nc)).toBe('expensive')
    expect(await command(nc, 'whoami', {})).toMatchObject({
      inboxPrefix: alice.inboxPrefix,
      sharedInbox: false,
    })

    const refusal = await (await unchanged(alice)).request('quotes.tea', '').catch((error: unknown) => error)
    const reason = refusal instanceof RequestError ? refusal.cause : refusal
    expect(reason).toBeInstanceOf(PermissionViolationError)
    expect(reason).toMatchObject({ operation: 'subscription' })
  })

  it('cannot be overheard, nor be answered by who was not asked', async () => {
    const alice = await somebody(OPEN, 'private-asker')
    const nc = await withPrefix(alice)
    await using eve = await byHand(await somebody(OPEN, 'nosy'))
    for (const subject of ['_INBOX_*.>', `${alice.inboxPrefix}.>`, `${alice.inboxPrefix}.*.*`, '*.>', '>'])
      expect(await trySubscribe(eve, subject)).toBe('refused')
    expect(await trySubscribe(eve, '_INBOX.>')).toBe('heard')

    // The asker's inbox is known to whoever is asked: eve hears the question, and may not answer it.
    expect(await trySubscribe(eve, 'quotes.*')).toBe('heard')
    const asking = nc.request('quotes.tea', '', { timeout: 5_000 })
    await eve.until(() => eve.delivered.length > 0)
    const { reply = '' } = eve.delivered[0]!
    expect(reply.startsWith(`${alice.inboxPrefix}.`)).toBe(true)
    eve.publish(reply, 'forged')
    await eve.settle()
    expect(eve.errors.at(-1)).toContain(`Permissions Violation for Publish to "${reply}"`)

    await using honest = await byHand(await somebody(OPEN, 'quoter'))
    honest.publish(reply, 'not asked')
    await honest.settle()
    expect(honest.errors.at(-1)).toContain(`Permissions Violation for Publish to "${reply}"`)
    honest.subscribe('quotes.*')
    await honest.settle()
    nc.publish('quotes.tea', '', { reply })
    await honest.until(() => honest.delivered.length > 0)
    honest.publish(reply, 'asked')
    expect((await asking).string()).toBe('asked')
    expect(eve.delivered.every(({ subject }) => subject === 'quotes.tea')).toBe(true)
  })

  // `_INBOX_*` is a token like any other, no wildcard: nothing short of a boundary keeps `>` out of inboxes.
  it('is overheard by who may subscribe to everything, whatever that one is denied by pattern', async () => {
    const alice = await somebody(OPEN, 'private-asker')
    for (const policy of ['everything', 'nearly-everything']) {
      await using eve = await byHand(await somebody(OPEN, policy))
      expect(await trySubscribe(eve, `${alice.inboxPrefix}.>`)).toBe('heard')
    }
  })

  it('is not overheard by who may subscribe to everything within a boundary that has inboxes of their own', async () => {
    const bounded = 'BOUNDED'
    const boundary = {
      name: 'fence',
      subscribe: { allow: ['quotes.*'] },
      publish: { allow: ['>'] },
      inbox: 'private',
    }
    await command(admin, 'policy.create', boundary)
    await command(admin, 'account.create', { name: bounded })
    await command(admin, 'account.set-boundary-policy', { account: bounded, policy: 'fence' })
    const alice = await somebody(bounded, 'asker')
    const eavesdropper = await somebody(bounded, 'everything')
    await using eve = await byHand(eavesdropper)
    for (const subject of [`${alice.inboxPrefix}.>`, '_INBOX.>', '>'])
      expect(await trySubscribe(eve, subject)).toBe('refused')
    expect(await trySubscribe(eve, `${eavesdropper.inboxPrefix}.>`)).toBe('heard')
  })
})

describe('an account whose default policy makes inboxes private', () => {
  it('isolates everybody in it, whatever their policies give', async () => {
    await using _ = await quoter(CLOSED)
    const alice = await somebody(CLOSED, 'asker')
    const eavesdropper = await somebody(CLOSED, 'nosy', 'base')
    await using eve = await byHand(eavesdropper)
    for (const subject of ['_INBOX.>', '_INBOX.x.*', `${alice.inboxPrefix}.>`])
      expect(await trySubscribe(eve, subject)).toBe('refused')
    expect(await trySubscribe(eve, `${eavesdropper.inboxPrefix}.>`)).toBe('heard')
    expect(await ask(await withPrefix(alice))).toBe('expensive')
    expect(eve.delivered).toEqual([])
  })

  it('has acknowledged publishes, pulls and pushes through the inbox of each', async () => {
    const nc = await withPrefix(await somebody(CLOSED, 'streams-user'))
    const manager = await jetstreamManager(nc)
    await manager.streams.add({ name: 'JOBS', subjects: ['jobs.*'], storage: 'memory' })
    await manager.consumers.add('JOBS', { durable_name: 'worker', ack_policy: 'explicit' })
    const js = jetstream(nc)
    expect(await js.publish('jobs.a', 'one')).toMatchObject({ stream: 'JOBS', seq: 1 })
    await js.publish('jobs.b', 'two')

    const worker = await js.consumers.get('JOBS', 'worker')
    const next = await worker.next()
    expect(next?.string()).toBe('one')
    expect(await next?.ackAck()).toBe(true)
    const fetched: string[] = []
    for await (const message of await worker.fetch({ max_messages: 1 })) {
      fetched.push(message.string())
      message.ack()
    }
    expect(fetched).toEqual(['two'])

    const ordered = await js.consumers.get('JOBS')
    const all: string[] = []
    for await (const message of await ordered.consume()) {
      all.push(message.string())
      if (all.length === 2) break
    }
    expect(all).toEqual(['one', 'two'])
  })
})
