import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LoggedEvent } from '../../src/admin/event-log.ts'
import { command, createUser } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { ask } from './bus.ts'

let world: World
let admin: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
})
afterAll(() => world[Symbol.asyncDispose]())

interface Listed {
  readonly items: readonly LoggedEvent[]
  readonly next?: number
}

async function list(request: Readonly<Record<string, unknown>>, nc = admin): Promise<Listed> {
  return (await command(nc, 'event.list', request)) as unknown as Listed
}

/** Every page of it. */
async function all(
  request: Readonly<Record<string, unknown>>,
  limit: number,
): Promise<readonly LoggedEvent[]> {
  const items: LoggedEvent[] = []
  for (let after: number | undefined = 0; after !== undefined;) {
    const page: Listed = await list({ ...request, limit, after })
    expect(page.items.length).toBeLessThanOrEqual(limit)
    items.push(...page.items)
    after = page.next
  }
  return items
}

const names = (items: readonly LoggedEvent[]): unknown[] => items.map(({ data }) => data['name'])
const typeOf = ({ subject }: LoggedEvent): string => subject.split('.').slice(3).join('.')

async function make(account: string, prefix: string, n: number): Promise<readonly string[]> {
  const made: string[] = []
  for (let i = 0; i < n; i += 1) {
    const name = `${prefix}-${i}`
    await command(admin, 'user.create', { account, name })
    made.push(name)
  }
  const last = made.at(-1)
  await eventually(async () => names((await list({ account, limit: 500 })).items).includes(last))
  return made
}

describe('event.list', () => {
  it('gives every event once and in order, whatever the size of a page', async () => {
    const made = await make('ORDERS', 'paged', 12)
    const registered = { account: 'ORDERS', subject: 'user.registered' }
    const whole = (await list({ ...registered, limit: 500 })).items
    expect(names(whole).filter((name) => String(name).startsWith('paged-'))).toEqual(made)
    for (const limit of [1, 5, whole.length - 1, whole.length, whole.length + 1])
      expect(await all(registered, limit)).toEqual(whole)
  })

  it('says nothing of a next page where there is none', async () => {
    const { items } = await list({ subject: 'operator.*' })
    expect(await list({ subject: 'operator.*', limit: items.length })).not.toHaveProperty('next')
    expect(await list({ subject: 'nothing.*' })).toMatchObject({ items: [] })
  })

  it('is of one account, of one type, or of any', async () => {
    await make('ANALYTICS', 'other', 1)
    const { items } = await list({ account: 'ORDERS', limit: 500 })
    expect(names(items)).not.toContain('other-0')
    const ids = new Set(items.map(({ subject }) => subject.split('.')[2]))
    expect(ids.size).toBe(1)
    const everywhere = (await list({ subject: '*.created', limit: 500 })).items
    expect(new Set(everywhere.map(typeOf))).toEqual(
      new Set(['operator.created', 'account.created', 'policy.created']),
    )
  })

  it('begins at a time', async () => {
    await make('ORDERS', 'early', 1)
    const before = (await list({ account: 'ORDERS', limit: 500 })).items
    // The clock of events and that of the stream are of one machine here; the stream is a little later.
    await eventually(() => Date.now() > Date.parse(String(before.at(-1)?.data['timestamp'])) + 1_000)
    const since = new Date().toISOString()
    const made = await make('ORDERS', 'late', 3)
    const registered = { account: 'ORDERS', subject: 'user.registered', since }
    expect(names((await list(registered)).items)).toEqual(made)
    expect(names(await all(registered, 1))).toEqual(made)
    expect((await list({ since: '2999-01-01T00:00:00Z' })).items).toEqual([])
  })

  it('shows an auditor of an account what happened there, and no more', async () => {
    await command(admin, 'policy.create', {
      name: 'auditor-of-events',
      publish: { allow: ['auth.v1.event.list'] },
    })
    const token = await createUser(admin, 'ORDERS', { name: 'ann', policies: ['auditor-of-events'] })
    const ann = await world.connect({ authenticator: tokenAuthenticator(token) })
    await make('ANALYTICS', 'hidden', 1)
    const own = await list({ limit: 500 }, ann)
    expect(own).toEqual(await list({ account: 'ORDERS', limit: 500 }, ann))
    expect(own.items.length).toBeGreaterThan(0)
    expect(names(own.items)).not.toContain('hidden-0')
    const { status } = await ask(ann, { command: 'event.list', payload: { account: 'ANALYTICS' } })
    expect(status).toBe(403)
  })

  it.each(['>', 'user.>', 'user', '*.*.*', 'user.created.x', 'User.*', ' ', 'a..b'])(
    'refuses the subject "%s"',
    async (subject) => {
      const { status, error } = await ask(admin, { command: 'event.list', payload: { subject } })
      expect([status, error.faults[0]?.where]).toEqual([400, 'subject'])
    },
  )

  it('ends a page before it is too long for a reply', async () => {
    const deny = Array.from({ length: 900 }, (_, n) => `orders.${'x'.repeat(40)}.${n}`)
    await command(admin, 'policy.create', { name: 'long', publish: { deny } })
    for (let n = 0; n < 12; n += 1) {
      const publish = { deny: deny.slice(n) }
      if (n > 0) await command(admin, 'policy.update-permissions', { policy: 'long', publish })
    }
    const isLong = ({ data }: LoggedEvent): boolean => data['name'] === 'long'
    await eventually(async () => (await all({ subject: 'policy.*' }, 500)).filter(isLong).length === 12)
    expect((await list({ subject: 'policy.*', limit: 500 })).next).toBeDefined()
  })
})
