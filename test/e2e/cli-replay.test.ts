import { DiscardPolicy, jetstreamManager } from '@nats-io/jetstream'
import { tokenAuthenticator, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, createUser } from '../support/clients.ts'
import { json, openCommandLine, type CommandLine } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { gatehouse } from '../support/up.ts'

let line: CommandLine
let admin: NatsConnection
/** Of somebody in ADMIN who sees every event, and may publish what is no command. */
let token: string
beforeAll(async () => {
  line = await openCommandLine()
  admin = await line.world.connectAs('admin')
  await command(admin, 'account.update-limits', { account: 'ADMIN', limits: { jetstream: {} } })
  await line.world.gatehouse.accountsPushed()
  const all = { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } }
  await command(admin, 'policy.create', { name: 'everything', ...all })
  token = await createUser(admin, 'ADMIN', { name: 'replayer', policies: ['everything'] })
})
afterAll(() => line[Symbol.asyncDispose]())

/** Users made in an account of its own; resolves when the audit stream has all of it. */
async function happened(account: string, count: number): Promise<readonly string[]> {
  await command(admin, 'account.create', { name: account })
  const names = Array.from({ length: count }, (_, n) => `u${n}`)
  for (const name of names) await command(admin, 'user.create', { account, name })
  await eventually(async () => {
    const { items } = await command(admin, 'event.list', { account, subject: 'user.*' })
    return (items as unknown[]).length === count
  })
  return names
}

interface Taken {
  readonly nc: NatsConnection
  readonly messages: Msg[]
}

const connected = (): Promise<NatsConnection> =>
  line.world.connect({ authenticator: tokenAuthenticator(token) })

/** Somebody who hears everything of a subject. */
async function listening(subject: string): Promise<Taken> {
  const messages: Msg[] = []
  const nc = await connected()
  nc.subscribe(subject, { callback: (_, message) => void messages.push(message) })
  await nc.flush()
  return { nc, messages }
}

/** How many are published together. */
const PAGE = 200

const nameIn = (message: Msg): unknown => message.json<{ data: { name: unknown } }>().data.name
const replay = (...args: readonly string[]) =>
  line.bare(['events', 'replay', ...args, '--server', line.world.server.url], { env: { NATS_TOKEN: token } })

describe('gatehouse events replay', () => {
  it('publishes what happened, each once and in order, with its id, its subject and its time', async () => {
    const names = await happened('PLAIN', 5)
    const { messages } = await listening('again.>')
    const words = ['--from', '1h', '--account', 'PLAIN', '--subject', 'user.registered', '--to', 'again']
    const { out, code, err } = await replay(...words)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^5 events published under again, up to sequence \d+\n$/)
    await eventually(() => messages.length >= 5)
    expect(messages.map(nameIn)).toEqual(names)
    const [first] = messages
    const event = first!.json<{ subject: string; data: { timestamp: string }; metadata: { id: string } }>()
    expect(first!.subject).toBe(event.subject.replace(/^auth\.event/, 'again'))
    expect(event.subject).toMatch(/^auth\.event\.A[A-Z2-7]{55}\.user\.registered$/)
    const head = (name: string) => first!.headers?.get(name)
    expect(head('Nats-Msg-Id')).toBe(event.metadata.id)
    expect(head('Gatehouse-Event-Subject')).toBe(event.subject)
    expect(head('Gatehouse-Event-Time')).toBe(event.data.timestamp)
    expect(Number(head('Gatehouse-Event-Sequence'))).toBeGreaterThan(0)
  })

  it('goes on after a sequence, and stops at a time', async () => {
    const names = await happened('PARTS', 6)
    const { items } = await command(admin, 'event.list', { account: 'PARTS', subject: 'user.*' })
    const events = items as { sequence: number; data: { timestamp: string } }[]
    const { messages } = await listening('parts.>')
    const words = ['--account', 'PARTS', '--subject', 'user.*', '--to', 'parts', '--json']
    const until = events[3]!.data.timestamp
    const { out } = await replay('--after', String(events[1]!.sequence), '--until', until, ...words)
    expect(json(out)).toEqual({ published: 2, duplicates: 0, last: events[3]!.sequence })
    await eventually(() => messages.length >= 2)
    expect(messages.map(nameIn)).toEqual(names.slice(2, 4))
  })

  it('waits for a stream to take each, and tells those that it has already', async () => {
    const names = await happened('STORED', 5)
    const manager = await jetstreamManager(await connected())
    await manager.streams.add({ name: 'replayed', subjects: ['stored.>'] })
    const words = [
      '--from',
      '1h',
      '--account',
      'STORED',
      '--subject',
      'user.*',
      '--to',
      'stored',
      '--jetstream',
    ]
    expect((await replay(...words)).out).toMatch(/^5 events stored under stored, up to sequence/)
    expect((await replay(...words)).out).toMatch(/^5 events stored .*, 5 of which the stream had already,/)
    const stored = await Promise.all(
      names.map((_, n) => manager.streams.getMessage('replayed', { seq: n + 1 })),
    )
    expect(stored.map((message) => message?.json<{ data: { name: string } }>().data.name)).toEqual(names)
    expect((await manager.streams.info('replayed')).state.messages).toBe(5)
  })

  it('says so when no stream takes them, or the stream takes no more, and where to go on', async () => {
    await happened('REFUSED', 4)
    const words = ['--from', '1h', '--account', 'REFUSED', '--subject', 'user.*', '--jetstream', '--to']
    const none = await replay(...words, 'nowhere')
    expect(none.code).toBe(1)
    expect(none.err).toMatch(/no stream takes nowhere\.A\w+\.user\.registered/)
    const manager = await jetstreamManager(await connected())
    await manager.streams.add({
      name: 'small',
      subjects: ['small.>'],
      max_msgs: 2,
      discard: DiscardPolicy.New,
    })
    const full = await replay(...words, 'small')
    expect(full.code).toBe(1)
    const { items } = await command(admin, 'event.list', { account: 'REFUSED', subject: 'user.*' })
    const { sequence } = (items as { sequence: number }[])[1]!
    expect(full.err).toContain(`maximum messages exceeded; --after ${sequence} goes on`)
  })

  it('shows what it would publish, and publishes nothing', async () => {
    await happened('DRY', 2)
    const { messages, nc } = await listening('dry.>')
    const words = ['--from', '1h', '--account', 'DRY', '--subject', 'user.*', '--to', 'dry', '--dry-run']
    const { out } = await replay(...words)
    expect(out).toMatch(/^\d+ {2}\S+ \S+ {2}dry\.A\w+\.user\.registered {2}admin {2}.*name u0/m)
    expect(out).toMatch(/^2 events would be published under dry, up to sequence \d+\n/m)
    await nc.flush()
    expect(messages).toEqual([])
  })

  it('is for what a user may publish, and sees the events of its own account alone', async () => {
    const names = await happened('OWN', 2)
    const publish = { allow: ['auth.v1.event.list', 'mine.>'] }
    await command(admin, 'policy.create', { name: 'replays', publish })
    const own = await createUser(admin, 'OWN', { name: 'replayer', policies: ['replays'] })
    const nc = await eventually(() =>
      line.world.connect({ authenticator: tokenAuthenticator(own) }).catch(() => false as const),
    )
    await nc.close()
    const as = (...args: readonly string[]) =>
      line.bare(['events', 'replay', '--from', '1h', '--server', line.world.server.url, ...args], {
        env: { NATS_TOKEN: own },
      })
    const { out, err } = await as('--subject', 'user.registered', '--to', 'mine')
    expect([out.split(' ')[0], err]).toEqual([String(names.length + 1), ''])
    const other = await as('--to', 'theirs')
    expect([other.code, other.out]).toEqual([1, ''])
    expect(other.err).toContain('do not let it publish theirs.A')
  })

  it('stops when it is told to, and says where to go on', async () => {
    await command(admin, 'account.create', { name: 'LONG' })
    const users = Array.from({ length: PAGE + 10 }, (_, n) => ({ account: 'LONG', name: `u${n}` }))
    for (let n = 0; n < users.length; n += 30)
      await Promise.all(users.slice(n, n + 30).map((user) => command(admin, 'user.create', user)))
    // It waits for a stream that takes its time: us.
    const { messages: held } = await listening('slow.>')
    const words = ['events', 'replay', '--from', '1h', '--account', 'LONG', '--to', 'slow', '--jetstream']
    await using started = gatehouse([...words, '--server', line.world.server.url], {
      env: { XDG_CONFIG_HOME: line.config, NATS_TOKEN: token },
    })
    await eventually(() => held.length === PAGE)
    started.child.kill('SIGINT')
    await eventually(() => {
      for (const message of held.splice(0)) message.respond('{"stream":"SLOW","seq":1}')
      return started.child.exitCode !== null
    })
    expect(await started.finished).toMatchObject({ code: 130 })
    expect(started.err()).toMatch(/interrupted after 200 events: --after \d+ goes on/)
  })

  it.each([
    [['--from', '1h'], '--to: is missing'],
    [['--from', '1h', '--to', 'a.*'], '--to: must be a subject without wildcards'],
    [['--from', '1h', '--to', 'auth.event'], '--to: must not begin with auth, $ or _'],
    [['--from', '1h', '--to', '$JS.API.x'], '--to: must not begin with auth, $ or _'],
    [['--to', 'x'], '--from: is missing'],
    [['--to', 'x', '--from', 'yesterday'], '--from: must be a duration such as 1h'],
    [['--to', 'x', '--after', '1h'], '--after: must be a sequence'],
  ])('names the flag that is wrong: %j', async (args, words) => {
    const { code, err } = await replay(...args)
    expect(code).toBe(2)
    expect(err).toContain(words)
  })
})
