import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openClient, type Proof } from '../../src/nats/client.ts'
import { nowhere } from '../support/programs.ts'
import { openWorld, type World } from '../support/world.ts'

const ALICE = 'alice@example.com'

describe('a client', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const as = (user: string) =>
    openClient({
      servers: world.server.url,
      proof: { kind: 'token', token: world.tokens[user] ?? '' },
      origin: 'flags',
    })

  it('gets the reply to a command', async () => {
    await using client = await as('admin')
    expect(await client.request('account.get', { account: 'ORDERS' })).toMatchObject({
      account: { name: 'ORDERS' },
    })
  })

  it('gets the error of a refusal, with code and faults', async () => {
    await using client = await as('admin')
    await expect(client.request('account.get', { account: 'NOBODY' })).rejects.toMatchObject({
      code: 'not_found',
      message: 'there is no account "NOBODY"',
    })
    await expect(client.request('account.get', { account: 7, color: 'red' })).rejects.toMatchObject({
      code: 'invalid_request',
      faults: [{ where: 'account' }, { where: 'color' }],
    })
  })

  it('is told that its policies do not let it ask', async () => {
    await using client = await as(ALICE)
    await expect(client.request('account.list', {})).rejects.toMatchObject({
      code: 'forbidden',
      message: 'the policies of this user (flags) do not let it publish auth.v1.account.list',
    })
  })

  it('is told where it hears no replies, and hears them in an inbox of its own', async () => {
    await using admin = await as('admin')
    const [account, user] = ['ORDERS', 'withdrawn']
    await admin.request('policy.create', { name: 'withdrawn', inbox: 'private' })
    await admin.request('user.create', { account, name: user, policies: ['withdrawn'] })
    const { token, inboxPrefix } = await admin.request('user.issue-token', { account, user })
    const open = (more: object) =>
      openClient({
        servers: world.server.url,
        proof: { kind: 'token', token: String(token) },
        origin: 'flags',
        ...more,
      })
    await using unaware = await open({})
    await expect(unaware.request('whoami', {})).rejects.toMatchObject({
      code: 'forbidden',
      trouble: 'not heard',
      message: 'the policies of this user (flags) do not let it hear replies in _INBOX.>',
    })
    await using aware = await open({ inboxPrefix })
    expect(await aware.request('whoami', {})).toMatchObject({ inboxPrefix, sharedInbox: false })
  })

  it('is told that nobody answers a command', async () => {
    await using client = await as('admin')
    await expect(client.request('account.paint', {})).rejects.toMatchObject({
      code: 'unavailable',
      message: /no Gatehouse answers auth\.v1\.account\.paint \(flags\)/,
    })
  })

  it.each<{ proof: Proof; words: string }>([
    { proof: { kind: 'token', token: 'guess' }, words: 'with this token' },
    { proof: { kind: 'password', user: ALICE, password: 'guess' }, words: 'with this password' },
    { proof: { kind: 'none' }, words: 'without a token' },
  ])('is told that nobody is let in $words', async ({ proof, words }) => {
    const attempt = openClient({ servers: world.server.url, proof, origin: 'flags' })
    const error = await attempt.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'forbidden' })
    expect(String(error)).toContain(`(flags) lets nobody in ${words}`)
    expect(String(error)).not.toContain('guess')
  })

  it('does not take just any file for creds', async () => {
    const proof: Proof = { kind: 'creds', text: 'no creds' }
    const attempt = openClient({ servers: world.server.url, proof, origin: 'flags' })
    await expect(attempt).rejects.toMatchObject({ code: 'invalid_configuration' })
  })

  it('hears what is published, until it no longer wants to', async () => {
    await using client = await as(ALICE)
    const alice = await world.connectAs(ALICE)
    const over = new AbortController()
    const listening = client.listen('orders.>', () => over.abort(), over.signal)
    // Who publishes cannot know since when another connection is subscribed.
    const sending = setInterval(() => alice.publish('orders.new'), 20)
    await listening.finally(() => clearInterval(sending))
    expect(over.signal.aborted).toBe(true)
  })

  it('is told that it may not listen', async () => {
    await using client = await as(ALICE)
    const listening = client.listen('forbidden.>', () => undefined, new AbortController().signal)
    await expect(listening).rejects.toMatchObject({ code: 'forbidden', message: /forbidden\.>/ })
  })
})

describe('without a server', () => {
  it('says so, and not with what secrets', async () => {
    const url = (await nowhere()).replace('http://', 'nats://user:s3cret@')
    const attempt = openClient({ servers: url, proof: { kind: 'none' }, origin: 'flags' })
    const error = await attempt.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'unavailable' })
    expect(String(error)).toMatch(/no NATS server answers at nats:\/\/127\.0\.0\.1:\d+ \(flags\)/)
  })

  it('gives up on one that says nothing', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const servers = `127.0.0.1:${port}`
    const attempt = openClient({ servers, proof: { kind: 'none' }, origin: 'flags', timeoutMs: 50 })
    await expect(attempt).rejects.toMatchObject({ code: 'unavailable' })
    silent.close()
  })
})
