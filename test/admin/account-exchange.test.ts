import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { openDoor, type Door } from './door.ts'

let world: World
let door: Door
let seller: NatsConnection
let buyer: NatsConnection
const keys: Record<string, string> = {}
beforeAll(async () => {
  world = await openWorld()
  door = await openDoor(world)
  await door.done('policy.create', {
    name: 'all',
    publish: { allow: ['>'] },
    subscribe: { allow: ['>'] },
    responses: {},
  })
  ;[seller, buyer] = (await Promise.all(['SELLER', 'BUYER'].map(memberOf))) as [
    NatsConnection,
    NatsConnection,
  ]
})
afterAll(() => world[Symbol.asyncDispose]())

/** Somebody of a new account who may do everything in it. */
async function memberOf(name: string): Promise<NatsConnection> {
  const { account } = await door.done('account.create', { name, defaultPolicy: 'all' })
  keys[name] = String(account)
  const { token } = await door.newcomer(name, 'member')
  await door.becomes(token, 'in')
  return door.enter(token)
}

const exported = (exports: readonly object[]) =>
  door.done('account.update-exports', { account: 'SELLER', exports })
const imported = (imports: readonly object[]) =>
  door.done('account.update-imports', { account: 'BUYER', imports })
const activate = async (facts: object = {}): Promise<string> => {
  const asked = { account: 'SELLER', export: 'secrets.>', for: 'BUYER', ...facts }
  return String((await door.done('account.create-activation', asked))['activation'])
}

/** Subjects that reach the buyer, in order. */
function hearing(subject: string): string[] {
  const heard: string[] = []
  buyer.subscribe(subject, { callback: (_, message) => void heard.push(message.subject) })
  return heard
}

/** Publishes as the seller until the buyer has heard it, or has heard of the other subject only. */
async function arrives(heard: readonly string[], subject: string, asWritten = subject): Promise<void> {
  await eventually(async () => {
    seller.publish(subject)
    await seller.flush()
    await buyer.flush()
    return heard.includes(asWritten)
  })
}

const PUBLIC = { subject: 'news.>', type: 'stream', access: 'public' }
const PRIVATE = { name: 'secrets', subject: 'secrets.>', type: 'stream', access: 'private' }
const SERVICE = { subject: 'quote.*', type: 'service', access: 'public', responseType: 'Stream' }
const fromSeller = (facts: object) => ({ account: 'SELLER', type: 'stream', ...facts })

describe('an export', () => {
  it('that is public is heard by whoever imports it, under a name of their own', async () => {
    await exported([PUBLIC])
    await imported([fromSeller({ subject: 'news.>', localSubject: 'seller.news.>' })])
    await world.gatehouse.accountsPushed()
    const heard = hearing('seller.news.>')
    await arrives(heard, 'news.today', 'seller.news.today')
    expect(world.heard.failures).toEqual([])
  })

  it('of a service answers, as often as it says', async () => {
    await exported([SERVICE])
    await imported([fromSeller({ subject: 'quote.*', localSubject: 'ask.$1', type: 'service', share: true })])
    await world.gatehouse.accountsPushed()
    seller.subscribe('quote.*', {
      callback: (_, request) => {
        for (const part of ['1', '2']) request.respond(`${request.subject} ${part}`)
      },
    })
    await seller.flush()
    const answers = await eventually(async () => {
      const replies: string[] = []
      for await (const reply of await buyer.requestMany('ask.price', '', { maxMessages: 2, maxWait: 500 }))
        replies.push(reply.string())
      return replies.length === 2 && replies
    })
    expect(answers).toEqual(['quote.price 1', 'quote.price 2'])
  })

  it('that is private is heard with an activation, until it is revoked', async () => {
    await exported([PUBLIC, PRIVATE])
    const news = fromSeller({ subject: 'news.>' })
    const token = await activate()
    await imported([news, fromSeller({ subject: 'secrets.>', token })])
    await world.gatehouse.accountsPushed()
    const heard = hearing('secrets.>')
    const told = hearing('news.>')
    await arrives(heard, 'secrets.1')

    await door.done('account.revoke-activation', { account: 'SELLER', export: 'secrets', for: 'BUYER' })
    await world.gatehouse.accountsPushed()
    await eventually(async () => {
      const before = heard.length
      seller.publish('secrets.2')
      await arrives(told, `news.${before}.${Date.now()}`)
      return heard.length === before
    })

    const anew = await activate()
    await imported([news, fromSeller({ subject: 'secrets.>', token: anew })])
    await world.gatehouse.accountsPushed()
    // To a server an import with another token is the same import: a subscription that lost it stays without.
    await arrives(hearing('secrets.>'), 'secrets.3')
  })

  it('keeps what was revoked of it, however it is written later', async () => {
    await exported([PRIVATE])
    const token = await activate()
    await door.done('account.revoke-activation', { account: 'SELLER', export: 'secrets.>', everyone: true })
    await exported([])
    await exported([{ subject: 'secrets.a.*', type: 'stream', access: 'private' }, PUBLIC])
    const { status, error } = await door.command('account.update-imports', {
      account: 'BUYER',
      imports: [fromSeller({ subject: 'news.>' }), fromSeller({ subject: 'secrets.a.*', token })],
    })
    expect([status, error.faults]).toEqual([400, [{ where: 'imports[1].token', rule: 'was revoked' }]])
  })
})

describe('an import', () => {
  const refusal = async (imports: readonly object[], account = 'BUYER') => {
    const { status, error } = await door.command('account.update-imports', { account, imports })
    return status === 400 ? error.faults.map(({ where, rule }) => `${where} ${rule}`) : [status, error]
  }

  it('is refused where servers would leave it without effect, by its field', async () => {
    const other = String((await door.done('account.create', { name: 'OTHER' }))['account'])
    const positioned = { subject: 'to.*.>', type: 'stream', access: 'public', accountTokenPosition: 2 }
    await exported([PUBLIC, PRIVATE, positioned])
    const secrets = { subject: 'secrets.>' }
    const table: [object, string][] = [
      [{ subject: 'prices' }, 'subject is not within any stream that account "SELLER" exports'],
      [
        { subject: 'news.>', type: 'service' },
        'subject is not within any service that account "SELLER" exports',
      ],
      [{ account: 'NOBODY', subject: 'news.>' }, 'account there is no account "NOBODY"'],
      [{ account: 'BUYER', subject: 'news.>' }, 'account must be another account'],
      [
        { account: 'AUTH', subject: 'x' },
        'account account "AUTH" belongs to Gatehouse, which gives what it gives',
      ],
      [{ subject: `to.${other}.>` }, 'subject must have the key of the importing account as token 2'],
      [secrets, 'token is missing: the export is private, ask account "SELLER" for an activation'],
      [{ ...secrets, token: 'eyJ' }, 'token must be an activation'],
      [{ ...secrets, token: await activate({ for: 'OTHER' }) }, 'token must be for account "BUYER"'],
      [
        { ...secrets, token: await activate({ subject: 'secrets.a' }) },
        'token must be for this stream and cover its subject',
      ],
      [
        { subject: 'news.>', localSubject: 'auth.v1.>' },
        'localSubject must not overlap auth.v1.>, which Gatehouse gives every account',
      ],
      [
        { subject: 'news.>', localSubject: 'news.*' },
        'localSubject must end in > if and only if the subject does',
      ],
      [{ subject: 'news.>', share: true }, 'share is for services only'],
    ]
    for (const [facts, rule] of table)
      expect(await refusal([fromSeller(facts)])).toContain(`imports[0].${rule}`)
    const inTime = fromSeller({ subject: `to.${keys['BUYER']}.>` })
    expect(await refusal([inTime])).toEqual([200, undefined])
  })

  it('of somebody else is taken for what it says, and only its form is checked', async () => {
    const foreign = String(keys['BUYER']) // Any key that no account here has would do.
    const unknown = `${foreign.slice(0, -1)}${foreign.endsWith('A') ? 'B' : 'A'}`
    expect(await refusal([{ account: unknown, subject: 'x', type: 'stream' }])).toEqual([
      'imports[0].account must be a public key of kind account',
    ])
  })

  it.each(['SYS', 'AUTH'])('is not for %s, and neither is an export', async (account) => {
    for (const [name, list] of [
      ['account.update-imports', { imports: [] }],
      ['account.update-exports', { exports: [] }],
    ] as const) {
      expect(await door.command(name, { account, ...list })).toMatchObject({
        status: 403,
        error: { code: 'forbidden' },
      })
    }
  })

  it('may be of the admins', async () => {
    await exported([PUBLIC])
    await door.done('account.update-imports', {
      account: 'ADMIN',
      imports: [fromSeller({ subject: 'news.>' })],
    })
    await world.gatehouse.accountsPushed()
    const admin = await world.connectAs('admin')
    expect((await admin.request('auth.v1.whoami')).json()).toMatchObject({ account: { name: 'ADMIN' } })
  })
})

describe('exports and imports', () => {
  const refused = async (name: string, payload: object) => {
    const { status, error } = await door.command(name, payload)
    return [status, error.faults.map(({ where, rule }) => `${where} ${rule}`)]
  }

  it('keep to the limits of the account, whichever is set last', async () => {
    await door.done('account.create', {
      name: 'NARROW',
      limits: { exports: 1, imports: 0, wildcardExports: false },
    })
    const plain = { subject: 'one', type: 'stream', access: 'public' }
    const narrow = { account: 'NARROW' }
    await exported([PUBLIC])
    expect(
      await refused('account.update-exports', { ...narrow, exports: [plain, { ...plain, subject: 'two' }] }),
    ).toEqual([400, ['exports must not be more than limits.exports allows']])
    expect(
      await refused('account.update-imports', { ...narrow, imports: [fromSeller({ subject: 'news.>' })] }),
    ).toEqual([400, ['imports must not be more than limits.imports allows']])
    await door.done('account.update-limits', { ...narrow, limits: { wildcardExports: false } })
    expect(await refused('account.update-exports', { ...narrow, exports: [PUBLIC] })).toEqual([
      400,
      ['exports[0].subject must have no wildcards: limits.wildcardExports is false'],
    ])
    await door.done('account.update-exports', { ...narrow, exports: [plain] })
    expect(await refused('account.update-limits', { ...narrow, limits: { exports: 0 } })).toEqual([
      400,
      ['exports must not be more than limits.exports allows'],
    ])
  })

  it('are told as they were and as they are', async () => {
    await exported([])
    const { events } = await exported([PUBLIC])
    expect(events).toMatchObject([
      {
        subject: `auth.event.${keys['SELLER']}.account.exports_updated`,
        data: { name: 'SELLER', old: [], new: [PUBLIC] },
      },
    ])
  })
})

describe('an activation', () => {
  it('ends when it says so, and an import does with it', async () => {
    await exported([PRIVATE])
    const token = await activate({ ttl: '1h' })
    const { exp, iat } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      exp: number
      iat: number
    }
    expect(exp - iat).toBeGreaterThanOrEqual(3_598)
    expect(exp - iat).toBeLessThanOrEqual(3_602)
    await imported([fromSeller({ subject: 'secrets.>', token })])
  })

  it.each([
    [{ export: 'news.>' }, 'export', 400],
    [{ subject: 'elsewhere' }, 'subject', 400],
    [{ for: 'NOBODY' }, 'for', 400],
  ])('is not made where it would open nothing: %j', async (facts, where, status) => {
    await exported([PUBLIC, PRIVATE])
    const asked = { account: 'SELLER', export: 'secrets.>', for: 'BUYER', ...facts }
    const reply = await door.command('account.create-activation', asked)
    expect([reply.status, reply.error.faults[0]?.where]).toEqual([status, where])
  })

  it('is taken back from somebody, or from everyone, and it is said which', async () => {
    await exported([PRIVATE])
    for (const whom of [{}, { for: 'BUYER', everyone: true }]) {
      const asked = { account: 'SELLER', export: 'secrets.>', ...whom }
      expect(await door.command('account.revoke-activation', asked)).toMatchObject({ status: 400 })
    }
    expect(
      await door.command('account.revoke-activation', {
        account: 'SELLER',
        export: 'nothing',
        everyone: true,
      }),
    ).toMatchObject({ status: 404 })
  })
})
