import { createAccount, createOperator, createUser } from '@nats-io/nkeys'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CREDENTIALS_MAX } from '../../src/domain/user.ts'
import { openWorld, type World } from '../support/world.ts'
import { late } from './asking.ts'
import { ask } from './bus.ts'
import { openDoor, type Door } from './door.ts'

let world: World
let door: Door
beforeAll(async () => {
  world = await openWorld()
  door = await openDoor(world)
})
afterAll(() => world[Symbol.asyncDispose]())

const whose = (user: string) => ({ account: 'ORDERS', user })

/** How a command is refused: status, code, and each fault. */
async function refusal(name: string, payload: unknown): Promise<unknown[]> {
  const { status, error } = await door.command(name, payload)
  return [status, error.code, ...error.faults.map(({ where, rule }) => `${where}: ${rule}`)]
}

/** Another last letter: the checksum is wrong. */
const mistyped = (key: string): string => `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`

describe('a network', () => {
  it.each(['fe80::1%eth0/64', 'fe80::%1/64', '::ffff:10.0.0.0%x/104', '10.0.0.0/08', 'fd00::/008'])(
    'is not %s',
    async (source) => {
      const rule = 'must be a network such as 10.0.0.0/8 or fd00::/8'
      const payload = { name: 'from-there', limits: { sources: [source] } }
      expect(await refusal('policy.create', payload)).toEqual([
        400,
        'invalid_request',
        `limits.sources[0]: ${rule}`,
      ])
    },
  )
})

describe('a public key', () => {
  const user = createUser().getPublicKey()
  const account = createAccount().getPublicKey()

  it.each([`U${'A'.repeat(55)}`, mistyped(user)])(
    'with a wrong checksum is no credential: %s',
    async (publicKey) => {
      const credentials = [
        { kind: 'nkey', publicKey: user },
        { kind: 'nkey', publicKey },
      ]
      const fault = 'credentials[1].publicKey: must be a public key of kind user'
      expect(await refusal('user.update-credentials', { ...whose('bob@example.com'), credentials })).toEqual([
        400,
        'invalid_request',
        fault,
      ])
    },
  )

  it('with a wrong checksum is no account that activations are for, or imports from', async () => {
    const exports = [{ subject: 'orders.kept.>', type: 'stream', access: 'private' }]
    await door.done('account.create', { name: 'GIVER' })
    await door.done('account.update-exports', { account: 'GIVER', exports })
    const wrong = mistyped(account)
    const activation = { account: 'GIVER', export: 'orders.kept.>', for: wrong }
    for (const name of ['account.create-activation', 'account.revoke-activation'])
      expect(await refusal(name, activation)).toEqual([
        400,
        'invalid_request',
        'for: must be a public key of kind account',
      ])
    const imports = [{ account: wrong, subject: 'x', type: 'stream' }]
    expect(await refusal('account.update-imports', { account: 'GIVER', imports })).toEqual([
      400,
      'invalid_request',
      'imports[0].account: must be a public key of kind account',
    ])
    for (const name of ['account.create-activation', 'account.revoke-activation'])
      await door.done(name, { ...activation, for: account })
  })

  it('that is nothing here is not found, whether or not it is whole', async () => {
    const key = createOperator().getPublicKey()
    for (const each of [key, mistyped(key)]) {
      const replies = [
        await refusal('operator.revoke-signing-key', { key: each, reason: 'x' }),
        await refusal('operator.rotate-signing-key', { retire: each }),
      ]
      expect(replies).toEqual(replies.map(() => [404, 'not_found']))
    }
    for (const each of [account, mistyped(account)])
      expect(await refusal('account.get', { account: each })).toEqual([404, 'not_found'])
  })
})

describe('credentials of several kinds', () => {
  it('are made at once, and each token is shown this once', async () => {
    await door.done('user.create', { account: 'ORDERS', name: 'manifold' })
    const credentials = [
      { kind: 'token', label: 'one', ttl: '1h' },
      { kind: 'nkey', publicKey: createUser().getPublicKey() },
      { kind: 'token', label: 'two' },
    ]
    const asked = { ...whose('manifold'), credentials, commandId: 'manifold' }
    const reply = await door.done('user.update-credentials', asked)
    const [one = '', key = '', two = ''] = reply['credentials'] as readonly string[]
    const tokens = reply['tokens'] as readonly { readonly credential: string; readonly token: string }[]
    expect(tokens.map(({ credential }) => credential)).toEqual([one, two])
    expect(await door.done('user.update-credentials', asked)).toEqual(reply)

    for (const { token } of tokens) await door.becomes(token, 'in')
    await door.done('user.revoke-credential', { ...whose('manifold'), credential: one })
    await door.becomes(tokens[0]!.token, 'unknown_credential')
    await door.becomes(tokens[1]!.token, 'in')
    const { user } = await door.done('user.get', whose('manifold'))
    expect(user).toMatchObject({
      credentials: [
        { id: key, kind: 'nkey' },
        { id: two, kind: 'token', label: 'two' },
      ],
    })
    const { entries } = await world.gatehouse.admin.store.page('answer.*', { after: 0, limit: 500 })
    const told = JSON.stringify([entries, reply['events'], user, world.heard.log])
    for (const { token } of tokens) expect(told).not.toContain(token)
  })

  it('without a token among them show none', async () => {
    const credentials = [{ kind: 'nkey', publicKey: createUser().getPublicKey() }]
    const reply = await door.done('user.update-credentials', { ...whose('bob@example.com'), credentials })
    expect(reply).not.toHaveProperty('tokens')
  })

  it('are as many as a user may hold, and no more', async () => {
    await door.done('user.create', { account: 'ORDERS', name: 'collector' })
    const tokens = (count: number) => Array.from({ length: count }, () => ({ kind: 'token' }))
    const add = (count: number) =>
      door.command('user.update-credentials', { ...whose('collector'), credentials: tokens(count) })
    for (let held = 0; held < CREDENTIALS_MAX; held += 8) expect((await add(8)).status).toBe(200)
    const { status, error } = await add(1)
    expect([status, error.code]).toEqual([409, 'limit_reached'])
  })
})

describe('a field called __proto__', () => {
  const inMetadata = (text: string): string =>
    `{"account":"ORDERS","name":"polluter","metadata":{"a":"b","${text}":"x"}}`

  it.each([
    ['in a map', inMetadata('__proto__'), 'metadata.__proto__'],
    ['in disguise', inMetadata(String.raw`\u005f_proto__`), 'metadata.__proto__'],
    ['on top', '{"account":"ORDERS","name":"polluter","__proto__":{}}', '__proto__'],
    [
      'within a list',
      '{"account":"ORDERS","name":"polluter","policies":["x",{"y":{"__proto__":1}}]}',
      'policies[1].y.__proto__',
    ],
  ])('is refused %s', async (_, payload, where) => {
    const { status, error } = await door.command('user.create', payload)
    expect([status, error.code]).toEqual([400, 'invalid_request'])
    expect(error.faults.filter((fault) => fault.where === where)).toHaveLength(1)
    expect(await door.command('user.get', whose('polluter'))).toMatchObject({ status: 404 })
  })

  it('is looked for in a body as deep as may be', async () => {
    const depth = 20_000
    const payload = `{"x":${'['.repeat(depth)}{"__proto__":1}${']'.repeat(depth)}}`
    expect(await refusal('whoami', payload)).toEqual([
      400,
      'invalid_request',
      'x: is not a field that is known here',
      expect.stringMatching(/^x\[0\]\[0\]/) as string,
    ])
  })
})

describe('a name with marks', () => {
  it.each(['Ren\u00e9', 'हिन्दी', 'q\u0323'])('is a name on the bus too: %s', async (name) => {
    const { token } = await door.newcomer('ORDERS', name)
    const inside = await door.enter(token)
    const { body } = await ask(inside, { command: 'whoami' })
    expect(body).toMatchObject({ user: { name }, account: { name: 'ORDERS' } })
    await inside.close()
  })

  it('that is written in another form is told so, and is nobody else', async () => {
    const rule = 'must be in Unicode normal form NFC: letters with marks composed'
    const decomposed = 'Rene\u0301'
    expect(await refusal('user.create', { account: 'ORDERS', name: decomposed })).toEqual([
      400,
      'invalid_request',
      `name: ${rule}`,
    ])
    expect(await refusal('user.get', whose(decomposed))).toEqual([400, 'invalid_request', `user: ${rule}`])
  })
})

describe('a grant that is too large', () => {
  it('is refused at once, at the door and to whoever asks', async () => {
    const lists = (entry: (n: number) => string) => ({
      allow: Array.from({ length: 600 }, (_, n) => entry(n)),
    })
    await door.done('policy.create', { name: 'columns', publish: lists((n) => `x${n}.*.>`) })
    await door.done('policy.create', { name: 'rows', publish: lists((n) => `*.a${n}.>`) })
    const { account } = await door.done('account.create', { name: 'GRID' })
    const { token } = await door.newcomer('GRID', 'crossing', { policies: ['rows'] })
    const inside = await door.enter(token)
    await door.done('account.set-boundary-policy', { account: 'GRID', policy: 'columns' })
    await door.becomes(token, 'grant_too_large')
    await inside.closed()
    const asked = late(world.gatehouse.admin, { account: String(account), user: 'crossing' }, 'whoami')
    await expect(asked).rejects.toMatchObject({ code: 'grant_too_large' })
  })
})

describe('ifRevision', () => {
  it('is held by what shows one thing', async () => {
    await door.done('user.create', { account: 'ORDERS', name: 'watched' })
    for (const [name, payload] of [
      ['user.get', whose('watched')],
      ['account.get', { account: 'ORDERS' }],
      ['policy.get', { policy: 'developer' }],
      ['operator.get', {}],
    ] as const) {
      const { revision } = await door.done(name, payload)
      expect(await door.done(name, { ...payload, ifRevision: revision })).toMatchObject({ revision })
      const stale = { ...payload, ifRevision: Number(revision) + 1 }
      expect([name, ...(await refusal(name, stale))]).toEqual([
        name,
        409,
        'revision_conflict',
        `ifRevision: is at revision ${String(revision)}`,
      ])
    }
  })

  it.each([
    ['user.list', { account: 'ORDERS' }],
    ['account.list', {}],
    ['policy.list', {}],
    ['role.list', {}],
    ['policy.history', { policy: 'developer' }],
    ['whoami', {}],
  ])('is refused by %s, which holds nothing to it', async (name, payload) => {
    expect(await refusal(name, { ...payload, ifRevision: 1 })).toEqual([
      400,
      'invalid_request',
      'ifRevision: is of one thing: this command tells of none or of many, leave it out',
    ])
  })
})

it('nothing of all that was a fault of ours', () => {
  expect(world.heard.failures).toEqual([])
})
