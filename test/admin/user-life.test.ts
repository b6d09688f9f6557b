import { createUser as createNkey } from '@nats-io/nkeys'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWorld, type World } from '../support/world.ts'
import { openDoor, type Door } from './door.ts'

let world: World
let door: Door
beforeAll(async () => {
  world = await openWorld()
  door = await openDoor(world)
})
afterAll(() => world[Symbol.asyncDispose]())

const whose = (user: string) => ({ account: 'ORDERS', user })
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString()
const userOf = async (user: string) =>
  (await door.done('user.get', whose(user)))['user'] as Record<string, unknown>

describe('a user', () => {
  it('who is locked stays outside until unlocked', async () => {
    const { token } = await door.newcomer('ORDERS', 'locked')
    await door.becomes(token, 'in')
    await door.done('user.lock', { ...whose('locked'), reason: 'lost laptop' })
    await door.becomes(token, 'user_locked')
    expect(await userOf('locked')).toMatchObject({ status: 'locked', lock: { reason: 'lost laptop' } })

    // Locked again: the first reason stands, and nothing is written.
    expect(await door.done('user.lock', { ...whose('locked'), reason: 'another' })).toMatchObject({
      events: [],
    })
    expect(await userOf('locked')).toMatchObject({ lock: { reason: 'lost laptop' } })
    await door.done('user.unlock', whose('locked'))
    await door.becomes(token, 'in')
    expect(await userOf('locked')).not.toHaveProperty('lock')
  })

  it('is cut off at its end, and may come back when it is put off', async () => {
    const { token } = await door.newcomer('ORDERS', 'ending')
    await door.done('user.set-expiry', { ...whose('ending'), expiresAt: inMs(2_000) })
    await door.becomes(token, 'in')
    const inside = await door.enter(token)
    await inside.closed()
    await door.becomes(token, 'user_expired')
    expect(await userOf('ending')).toMatchObject({ status: 'expired' })

    await door.done('user.set-expiry', whose('ending'))
    await door.becomes(token, 'in')
    expect(await userOf('ending')).toMatchObject({ status: 'active' })
  })

  it('who is deleted is unknown, and the name is free for somebody else', async () => {
    const { token } = await door.newcomer('ORDERS', 'leaver', { policies: ['readonly'] })
    await door.becomes(token, 'in')
    const { events } = await door.done('user.delete', whose('leaver'))
    expect(events).toMatchObject([
      { subject: expect.stringMatching(/\.user\.deleted$/) as string, data: { name: 'leaver' } },
    ])
    await door.becomes(token, 'unknown_credential')
    expect(await door.command('user.get', whose('leaver'))).toMatchObject({ status: 404 })
    expect(await door.command('user.delete', whose('leaver'))).toMatchObject({ status: 404 })

    const another = await door.newcomer('ORDERS', 'leaver')
    await door.becomes(another.token, 'in')
    await door.becomes(token, 'unknown_credential')
    expect(await userOf('leaver')).toMatchObject({ policies: [] })
  })

  it('loses a credential that is revoked, and no other', async () => {
    const { token, credential } = await door.newcomer('ORDERS', 'leaky')
    const { token: other } = await door.done('user.issue-token', { ...whose('leaky'), label: 'other' })
    await door.becomes(token, 'in')
    const revoke = { ...whose('leaky'), credential, reason: 'leaked' }
    const { events } = await door.done('user.revoke-credential', revoke)
    expect(events).toMatchObject([
      { data: { credential: { id: credential, kind: 'token' }, reason: 'leaked' } },
    ])
    expect(JSON.stringify(events)).not.toMatch(/hash/)
    await door.becomes(token, 'unknown_credential')
    await door.becomes(String(other), 'in')
    expect(await door.command('user.revoke-credential', revoke)).toMatchObject({
      status: 404,
      error: { code: 'not_found' },
    })
  })

  it('is shown with everything but what helps to log in', async () => {
    const { token } = await door.newcomer('ORDERS', 'shown', {
      policies: ['readonly'],
      metadata: { region: 'eu' },
    })
    const publicKey = createNkey().getPublicKey()
    await door.done('user.update-credentials', {
      ...whose('shown'),
      credentials: [
        { kind: 'password', password: 'correct horse', label: 'by heart', ttl: '1h' },
        { kind: 'nkey', publicKey },
      ],
    })
    const reply = await door.done('user.get', whose('shown'))
    expect(reply['user']).toMatchObject({
      name: 'shown',
      status: 'active',
      policies: ['readonly'],
      roles: [],
      metadata: { region: 'eu' },
      credentials: [
        { kind: 'token' },
        { kind: 'password', label: 'by heart', expiresAt: expect.any(String) as string },
        { kind: 'nkey' },
      ],
    })
    const listed = await door.done('user.list', { account: 'ORDERS' })
    for (const secret of [token, 'correct horse', 'hash', 'argon2', publicKey]) {
      expect(JSON.stringify([reply, listed])).not.toContain(secret)
    }
  })

  it.each([
    ['user.lock', {}, 'reason'],
    ['user.lock', { reason: '' }, 'reason'],
    ['user.lock', { reason: 'x'.repeat(257) }, 'reason'],
    ['user.set-expiry', { expiresAt: 'tomorrow' }, 'expiresAt'],
    ['user.set-expiry', { expiresAt: '2027-02-30T00:00:00Z' }, 'expiresAt'],
    ['user.set-expiry', { expiresAt: '2027-01-01' }, 'expiresAt'],
    ['user.revoke-credential', { credential: '' }, 'credential'],
    ['user.get', { extra: 1 }, 'extra'],
    ['user.list', { limit: 0, user: undefined }, 'limit'],
    ['user.list', { limit: 501, user: undefined }, 'limit'],
    ['user.list', { after: -1, user: undefined }, 'after'],
  ])('%s with %j is refused, and the field is named', async (name, payload, where) => {
    const { status, error } = await door.command(name, { ...whose('shown'), ...payload })
    expect([status, error.code]).toEqual([400, 'invalid_request'])
    expect(error.faults).toMatchObject([{ where }])
  })
})

describe('ifRevision', () => {
  it('lets one of two who saw the same change it, and tells the other what it is now', async () => {
    await door.newcomer('ORDERS', 'twice')
    const { revision: seen } = await door.done('user.get', whose('twice'))
    const tag = (tag: string) => ({ ...whose('twice'), metadata: { tag }, ifRevision: seen })
    const { revision: now } = await door.done('user.update-metadata', tag('first'))
    const { status, error } = await door.command('user.update-metadata', tag('second'))
    expect([status, error.code]).toEqual([409, 'revision_conflict'])
    expect(error.message).toContain(`revision ${String(now)},`)
    expect(error.faults).toEqual([{ where: 'ifRevision', rule: `is at revision ${String(now)}` }])
    expect(await userOf('twice')).toMatchObject({ metadata: { tag: 'first' } })
    expect(await door.done('user.get', whose('twice'))).toMatchObject({ revision: now })
  })

  it('lets exactly one of twenty at once', async () => {
    await door.newcomer('ORDERS', 'raced')
    const { revision } = await door.done('user.get', whose('raced'))
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        door.command('user.update-metadata', {
          ...whose('raced'),
          metadata: { n: String(n) },
          ifRevision: revision,
        }),
      ),
    )
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(replies.filter(({ status }) => status !== 200).map(({ error }) => error.code)).toEqual(
      Array(19).fill('revision_conflict'),
    )
  })

  it('refuses even what would change nothing', async () => {
    const { revision } = await door.done('user.get', whose('raced'))
    const stale = { ...whose('raced'), ifRevision: Number(revision) - 1 }
    expect(await door.command('user.unlock', stale)).toMatchObject({ status: 409 })
    expect(await door.done('user.unlock', { ...stale, ifRevision: revision })).toMatchObject({ revision })
  })
})
