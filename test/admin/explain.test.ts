import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { REASONS_WITH_WORDS } from '../../src/admin/reason-words.ts'
import { DENY_REASONS } from '../../src/callout/reason.ts'
import { entriesOf } from '../../src/domain/entries.ts'
import type { Permissions } from '../../src/domain/policy.ts'
import { ask, type Reply } from './bus.ts'
import { entryOf, openExplained, type Explained, type ToldEntry } from './explaining.ts'

let explained: Explained
let command: Explained['command']
beforeAll(async () => {
  explained = await openExplained()
  command = explained.command
})
afterAll(() => explained.world[Symbol.asyncDispose]())

describe('explain.user', () => {
  it('names for each entry the policies, and how they come to the user', async () => {
    const body = await command('explain.user', { user: 'ORDERS/dora' })
    expect(body).toMatchObject({
      account: { name: 'ORDERS' },
      user: { name: 'dora' },
      policies: [
        { name: 'base', via: ['default'] },
        { name: 'developer', via: ['user', 'role crew'] },
        { name: 'regional', via: ['role crew'] },
      ],
    })
    expect(entryOf(body, 'orders.>')?.sources).toMatchObject([
      { policy: 'developer', via: ['user', 'role crew'] },
    ])
    expect(entryOf(body, 'region.eu.>')).toMatchObject({
      side: 'publish',
      sources: [
        { policy: 'regional', field: 'publish.allow[0]', written: 'region.{{user.metadata.region}}.>' },
      ],
    })
    expect(entryOf(body, 'jobs.> workers')).toMatchObject({ side: 'subscribe', effect: 'allow' })
    expect(entryOf(body, 'orders.delete')).toMatchObject({
      effect: 'deny',
      sources: [{ policy: 'developer' }],
    })
  })

  it('tells every entry of the grant that the door gives, and no other', async () => {
    const body = await command('explain.user', { user: 'dora', account: 'ORDERS' })
    const { token } = await command('user.issue-token', { account: 'ORDERS', user: 'dora' })
    const dora = await explained.world.connect({ token: String(token) })
    const { body: who } = await ask(dora, { command: 'whoami' })
    const grant = who['grant'] as Record<string, Record<string, string[]>>
    expect(body['grant']).toEqual(grant)
    for (const side of ['publish', 'subscribe'])
      for (const effect of ['allow', 'deny']) {
        const told = (body['entries'] as readonly ToldEntry[]).filter(
          (e) => e.side === side && e.effect === effect,
        )
        expect(told.map(({ subject }) => subject)).toEqual(grant[side]?.[effect])
        expect(told.every(({ sources }) => sources.length > 0)).toBe(true)
      }
  })

  it('says what the boundary lets through, and what it does not', async () => {
    const body = await command('explain.user', { user: 'CAPPED/dora' })
    expect(entryOf(body, 'orders.>')?.within).toMatchObject([{ policy: 'cap' }])
    expect(entryOf(body, 'inventory.>')).toBeUndefined()
    const leftOut = body['leftOut'] as readonly { subject: string; coveredBy?: string }[]
    expect(leftOut.find(({ subject }) => subject === 'inventory.>')).toMatchObject({
      source: { policy: 'developer' },
    })
    expect(leftOut.every(({ coveredBy }) => coveredBy === undefined)).toBe(true)
    expect(body['policies']).toContainEqual(expect.objectContaining({ name: 'cap', via: ['boundary'] }))
  })

  it('says why nobody would be let in, and names the variable that has no value', async () => {
    const body = await command('explain.user', { user: 'nowhere' })
    expect(body).toMatchObject({
      refusal: { reason: 'template_value_missing', detail: '{{user.metadata.region}} of policy regional' },
      entries: [],
    })
    expect(body['grant']).toBeUndefined()
    await command('user.lock', { account: 'ORDERS', user: 'nowhere', reason: 'left' })
    expect(await command('explain.user', { user: 'nowhere' })).toMatchObject({
      refusal: { reason: 'user_locked' },
    })
    await command('user.unlock', { account: 'ORDERS', user: 'nowhere' })
  })

  it('asks which one is meant where several have the name', async () => {
    const { status, error } = await ask(explained.admin, {
      command: 'explain.user',
      payload: { user: 'dora' },
    })
    expect([status, error.faults]).toEqual([
      400,
      [
        {
          where: 'user',
          rule: expect.stringMatching(/as (?:ORDERS\/dora, CAPPED|CAPPED\/dora, ORDERS)\/dora$/) as string,
        },
      ],
    ])
    const gone = await ask(explained.admin, { command: 'explain.user', payload: { user: 'nobody' } })
    expect(gone.error.message).toBe('there is no user "nobody"')
  })

  it.each(['a b', '', 'A/b/c', '*', 'ORDERS/>'])('refuses %j with the field', async (user) => {
    const { status, error } = await ask(explained.admin, { command: 'explain.user', payload: { user } })
    expect([status, error.faults.map(({ where }) => where)]).toEqual([400, ['user']])
  })
})

describe('explain.token', () => {
  it('says to whom a token leads, and nothing of one that leads nowhere', async () => {
    const secret = explained.world.tokens['alice@example.com']
    expect(await command('explain.token', { secret })).toMatchObject({
      user: { name: 'alice@example.com' },
      credential: { kind: 'token' },
      policies: [{ name: 'base' }, { name: 'developer' }],
    })
    const body = await command('explain.token', { secret: 'no such token' })
    expect(body).toMatchObject({ refusal: { reason: 'unknown_credential' }, entries: [] })
    expect(body['user']).toBeUndefined()
  })

  it('leaves no token in the log', async () => {
    const secret = String(explained.world.tokens['alice@example.com'])
    await command('explain.token', { secret })
    await ask(explained.admin, { command: 'explain.token', payload: { secret, unknown: true } })
    expect(explained.world.heard.log.join('')).not.toContain(secret)
    expect(JSON.stringify(explained.audit)).not.toContain(secret)
  })
})

describe('explain.policy', () => {
  it('tells its subjects field by field, and who has it', async () => {
    expect(await command('explain.policy', { policy: 'developer' })).toMatchObject({
      policy: { name: 'developer' },
      entries: expect.arrayContaining([
        { side: 'publish', effect: 'deny', subject: 'orders.delete', field: 'publish.deny[0]' },
      ]) as unknown,
      users: 3,
      names: expect.arrayContaining(['ORDERS/alice@example.com', 'CAPPED/dora']) as unknown,
      roles: ['crew'],
    })
    const base = await command('explain.policy', { policy: 'base' })
    expect(base['defaultOf']).toEqual(expect.arrayContaining(['ORDERS', 'ADMIN']))
    expect(base['entries']).toContainEqual({
      side: 'subscribe',
      effect: 'allow',
      subject: '_INBOX.>',
      field: 'inbox',
    })
    expect(await command('explain.policy', { policy: 'cap' })).toMatchObject({
      boundaryOf: ['CAPPED'],
      users: 0,
    })
  })
})

describe('what is too long for one message', () => {
  const isCut = (body: Reply['body'], more: number) => {
    expect(body['more']).toBe(more)
    expect(JSON.stringify(body).length).toBeLessThan(300 * 1_024)
  }

  it('is cut in a policy that says much in few words', async () => {
    const allow = Array.from({ length: 270 }, (_, n) => ({
      stream: `${n}-${'s'.repeat(186)}`,
      may: ['view', 'read', 'manage'],
    }))
    await command('policy.create', { name: 'wordy', allow })
    const body = await command('explain.policy', { policy: 'wordy' })
    const { permissions } = body['policy'] as { readonly permissions: Permissions }
    const told = (body['entries'] as readonly unknown[]).length
    expect(told).toBeGreaterThan(100)
    isCut(body, entriesOf({ permissions }).length - told)
  })

  it('is cut in a grant, and in what it comes from', async () => {
    const policies: string[] = []
    for (let i = 0; i < 8; i += 1) {
      const name = `long-${i}` // A request is 64 KiB at most.
      const allow = Array.from({ length: 60 }, (_, n) => `${name}.${n}.${'x'.repeat(900)}`)
      await command('policy.create', { name, publish: { allow } })
      policies.push(name)
    }
    await command('user.create', { account: 'ORDERS', name: 'bare' })
    const bare = (await command('explain.user', { user: 'bare' }))['entries'] as readonly unknown[]
    await command('user.create', { account: 'ORDERS', name: 'long', policies })
    const body = await command('explain.user', { user: 'long' })
    const { publish, subscribe } = body['grant'] as Permissions
    const inGrant = [publish, subscribe].flatMap(({ allow, deny }) => [...allow, ...deny]).length
    const told = (body['entries'] as readonly unknown[]).length
    expect(Math.min(inGrant, told)).toBeGreaterThan(20)
    const all = 480 + bare.length
    isCut(body, all - inGrant + all - told)
  })
})

describe('explain.can', () => {
  it.each([
    { says: 'ORDERS/dora publish orders.new', allowed: true, entry: 'orders.>', policy: 'developer' },
    {
      says: 'ORDERS/dora publish orders.delete',
      allowed: false,
      entry: 'orders.delete',
      policy: 'developer',
    },
    { says: 'ORDERS/dora publish region.eu.x', allowed: true, entry: 'region.eu.>', policy: 'regional' },
    { says: 'ORDERS/dora publish region.us.x', allowed: false },
    {
      says: 'ORDERS/dora subscribe jobs.a workers',
      allowed: true,
      entry: 'jobs.> workers',
      policy: 'regional',
    },
    { says: 'ORDERS/dora subscribe jobs.a', allowed: false },
    { says: 'ORDERS/dora subscribe region.eu.*', allowed: true, entry: 'region.eu.>', policy: 'regional' },
    { says: 'CAPPED/dora publish inventory.new', allowed: false },
  ])('$says: $allowed', async ({ says, allowed, entry, policy }) => {
    const [user, action, subject, queue] = says.split(' ')
    const body = await command('explain.can', { user, action, subject, queue })
    expect(body).toMatchObject({ allowed, sources: policy === undefined ? [] : [{ policy }] })
    expect(body['entry']).toBe(entry)
  })

  it('says what would allow it, were it not for the boundary, or that replies are', async () => {
    const capped = await command('explain.can', {
      user: 'CAPPED/dora',
      action: 'publish',
      subject: 'inventory.x',
    })
    expect(capped['why']).toBe(
      'inventory.> of policy "developer" would allow it, and the boundary of the account does not',
    )
    const worker = await command('explain.can', { user: 'service-a', action: 'publish', subject: 'x' })
    expect(worker['why']).toBe('nothing allows it, except as the reply to a request')
  })

  it('says no of somebody who would not be let in', async () => {
    const body = await command('explain.can', {
      user: 'nowhere',
      action: 'publish',
      subject: 'auth.v1.whoami',
    })
    expect(body).toMatchObject({ allowed: false, refusal: { reason: 'template_value_missing' } })
  })

  it.each([
    [{ subject: 'a.*' }, 'subject'],
    [{ subject: 'a..b' }, 'subject'],
    [{ subject: 'a b' }, 'subject'],
    [{ subject: 'a', queue: 'q' }, 'queue'],
    [{ subject: 'a', action: 'consume' }, 'action'],
    [{ subject: 'a', colour: 'red' }, 'colour'],
  ])('refuses %j with the field', async (fields, where) => {
    const payload = { user: 'service-a', action: 'publish', ...fields }
    const { status, error } = await ask(explained.admin, { command: 'explain.can', payload })
    expect([status, error.faults.map((fault) => fault.where)]).toEqual([400, [where]])
  })
})

it('every reason of a denial has words', () => {
  expect([...REASONS_WITH_WORDS].sort()).toEqual([...DENY_REASONS].sort())
})
