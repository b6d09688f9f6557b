import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { auditOf, insideAuth, type Heard } from '../admin/bus.ts'
import { eventFaults } from '../support/events.ts'
import { eventually } from '../support/eventually.ts'
import { guesses, HERE, RIGHT, THERE, tries, withPassword } from '../support/guessing.ts'
import { openReplica } from '../support/replica.ts'
import { openWorld, type World } from '../support/world.ts'

describe('wrong passwords', () => {
  let world: World
  let admin: NatsConnection
  let audit: readonly Heard[]
  beforeAll(async () => {
    world = await openWorld({ throttle: { userFailures: 12 } })
    admin = await world.connectAs('admin')
    audit = await auditOf(world)
  })
  beforeEach(() => {
    world.heard.denied.length = 0
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const lastReason = (): string | undefined => world.heard.denied.at(-1)?.reason
  const told = (type: string, name: string) =>
    audit.filter(({ subject, event }) => subject.endsWith(type) && event.data['name'] === name)

  it('lock the user out there, and there alone, and say so once', async () => {
    const token = await withPassword(admin, 'anna')
    await guesses(world, 'anna', 5)
    expect(lastReason()).toBe('wrong_password')

    expect(await tries(world, 'anna', RIGHT)).toBe(false)
    const { reason, detail } = world.heard.denied.at(-1)!
    expect([reason, detail]).toEqual(['locked_out', expect.stringMatching(/^until \d{4}-/)])
    expect(await tries(world, 'anna', RIGHT, THERE)).toBe(true)
    await expect(world.connect({ authenticator: tokenAuthenticator(token) })).resolves.toBeDefined()
    expect(await tries(world, 'anna', token)).toBe(true) // A token in the place of the password is no guess.

    const [{ event }] = (await eventually(() => {
      const events = told('user.locked_out', 'anna')
      return events.length > 0 && events
    })) as [Heard]
    expect(eventFaults(event)).toEqual([])
    expect(event.data).toMatchObject({ source: HERE, failures: 5, seconds: 900 })
    const left = Date.parse(String(event.data['until'])) - Date.parse(String(event.data['timestamp']))
    expect(left).toBeGreaterThan(890_000)
    expect(left).toBeLessThanOrEqual(900_000)
    await eventually(() =>
      told('user.login_failed', 'anna').some(({ event }) => event.data['detail'] === detail),
    )
    expect(told('user.locked_out', 'anna')).toHaveLength(1)
  })

  it('are forgotten when the right one comes', async () => {
    await withPassword(admin, 'bert')
    for (let n = 0; n < 3; n += 1) {
      await guesses(world, 'bert', 4)
      expect(await tries(world, 'bert', RIGHT)).toBe(true)
    }
  })

  it('of many at once tell no more than those of one after the other', async () => {
    await withPassword(admin, 'cora')
    await Promise.all(Array.from({ length: 30 }, (_, n) => tries(world, 'cora', `wrong ${n}`)))
    const reasons = world.heard.denied.map(({ reason }) => reason)
    expect(reasons.filter((reason) => reason === 'wrong_password')).toHaveLength(5)
    expect(new Set(reasons)).toEqual(new Set(['wrong_password', 'locked_out']))
  })

  it('from everywhere do not keep the user out where it is at home', async () => {
    await withPassword(admin, 'dora')
    expect(await tries(world, 'dora', RIGHT)).toBe(true)
    for (let n = 1; n <= 4; n += 1) await guesses(world, 'dora', 3, `127.0.1.${n}`)

    expect(await tries(world, 'dora', RIGHT, '127.0.1.9')).toBe(false) // Nowhere a stranger, everywhere a suspect.
    expect(lastReason()).toBe('locked_out')
    expect(await tries(world, 'dora', RIGHT)).toBe(true)
    const events = await eventually(() => {
      const found = told('user.locked_out', 'dora')
      return found.length > 0 && found
    })
    expect(events.map(({ event }) => [event.data['source'], event.data['failures']])).toEqual([
      [undefined, 12],
    ])
  })

  it('are counted by all replicas together, and outlive each of them', async () => {
    await withPassword(admin, 'emil')
    expect(await tries(world, 'emil', RIGHT)).toBe(true)
    const gossip = await insideAuth(world)
    let heard = 0
    gossip.subscribe('gatehouse.gossip.throttle.*', {
      callback: (_, message) => {
        const { failures } = message.json<{ failures: { name: string; count: number }[] }>()
        for (const { name, count } of failures) if (name === 'emil') heard += count
      },
    })
    await gossip.flush()
    const { server, trust, vault } = world
    const parts = { url: server.url, trust, vault, copies: 1, throttle: { userFailures: 12 } }
    {
      await using second = await openReplica(parts)
      await guesses(world, 'emil', 4, THERE)
      await eventually(() => heard === 4) // Whichever replica was asked: the other knows.
      await guesses(world, 'emil', 1, THERE)
      expect(await tries(world, 'emil', RIGHT, THERE)).toBe(false)
      expect([lastReason(), second.heard.denied.at(-1)?.reason]).toContain('locked_out')
      await eventually(() => told('user.locked_out', 'emil').length === 1)
    }
    await world.gatehouse[Symbol.asyncDispose]()

    await using third = await openReplica(parts)
    expect(await tries(world, 'emil', RIGHT, THERE)).toBe(false)
    expect(third.heard.denied.at(-1)?.reason).toBe('locked_out')
    for (let n = 1; n <= 4; n += 1) await guesses(world, 'emil', 3, `127.0.2.${n}`)
    expect(await tries(world, 'emil', RIGHT, '127.0.2.9')).toBe(false)
    expect(await tries(world, 'emil', RIGHT)).toBe(true) // What is familiar is known to who came later, too.
    // Both replicas came to five; one of them told of it.
    await eventually(() => told('user.locked_out', 'emil').length >= 2)
    expect(told('user.locked_out', 'emil').map(({ event }) => event.data['source'])).toEqual([
      THERE,
      undefined,
    ])
  })
})

describe('a source that fails too often', () => {
  it('gets no password looked at, and no answer, while others and tokens get in', async () => {
    await using world = await openWorld({
      throttle: { sourceFailures: 5, sourceRefillMs: 3_600_000, silentMax: 2 },
    })
    const admin = await world.connectAs('admin')
    const token = await withPassword(admin, 'fred')
    expect(await tries(world, 'fred', RIGHT, THERE)).toBe(true)
    const guess = (n: number, from: string) => tries(world, `nobody-${n}`, 'guess', from)
    const flood = '127.0.0.9'
    for (let n = 0; n < 5; n += 1) expect(await guess(n, flood)).toBe(false)
    world.heard.denied.length = 0

    const inside = await insideAuth(world)
    let answers = 0
    inside.subscribe('$SYS._INBOX.>', { callback: () => void (answers += 1) })
    await inside.flush()
    const guessed = await Promise.all([5, 6, 7].map((n) => guess(n, flood)))
    expect(guessed).toEqual([false, false, false])
    await inside.flush()
    expect(answers).toBe(1) // Two at a time are left without one.
    expect(world.heard.denied.map(({ reason }) => reason)).toEqual(Array(3).fill('source_over_budget'))
    expect(await tries(world, 'fred', RIGHT, flood)).toBe(false)
    expect(await tries(world, 'fred', RIGHT)).toBe(true)
    expect(await tries(world, 'fred', token, flood)).toBe(true)

    // Where somebody logged in before, that one still may; nobody else.
    for (let n = 0; n < 5; n += 1) await guess(n, THERE)
    await Promise.all([tries(world, 'fred', RIGHT, THERE), guess(9, THERE)]).then((inside) =>
      expect(inside).toEqual([true, false]),
    )
  })
})
