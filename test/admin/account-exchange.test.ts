import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { fromSeller, openMarket, PRIVATE, PUBLIC, type Market } from './market.ts'

let market: Market
beforeAll(async () => {
  market = await openMarket()
})
afterAll(() => market[Symbol.asyncDispose]())

const SERVICE = { subject: 'quote.*', type: 'service', access: 'public', responseType: 'Stream' }

describe('an export', () => {
  it('that is public is heard by whoever imports it, under a name of their own', async () => {
    await market.exported([PUBLIC])
    await market.imported([fromSeller({ subject: 'news.>', localSubject: 'seller.news.>' })])
    await market.world.gatehouse.accountsPushed()
    const heard = market.hearing('seller.news.>')
    await market.arrives(heard, 'news.today', 'seller.news.today')
    expect(market.world.heard.failures).toEqual([])
  })

  it('of a service answers, as often as it says', async () => {
    await market.exported([SERVICE])
    await market.imported([
      fromSeller({ subject: 'quote.*', localSubject: 'ask.$1', type: 'service', share: true }),
    ])
    await market.world.gatehouse.accountsPushed()
    market.seller.subscribe('quote.*', {
      callback: (_, request) => {
        for (const part of ['1', '2']) request.respond(`${request.subject} ${part}`)
      },
    })
    await market.seller.flush()
    const answers = await eventually(async () => {
      const replies: string[] = []
      for await (const reply of await market.buyer.requestMany('ask.price', '', {
        maxMessages: 2,
        maxWait: 500,
      }))
        replies.push(reply.string())
      return replies.length === 2 && replies
    })
    expect(answers).toEqual(['quote.price 1', 'quote.price 2'])
  })

  it('of a service that answers often is over with an empty answer: the server lets no other through', async () => {
    await market.exported([{ ...SERVICE, subject: 'list' }])
    await market.imported([fromSeller({ subject: 'list', type: 'service' })])
    await market.world.gatehouse.accountsPushed()
    market.seller.subscribe('list', {
      callback: (_, request) => {
        for (const part of ['1', '', '2']) request.respond(part)
      },
    })
    await market.seller.flush()
    const answers = await eventually(async () => {
      const replies: string[] = []
      for await (const reply of await market.buyer.requestMany('list', '', {
        strategy: 'stall',
        stall: 200,
        maxWait: 500,
      }))
        replies.push(reply.string())
      return replies.length > 0 && replies
    })
    expect(answers).toEqual(['1', ''])
  })

  it('that is private is heard with an activation, until it is revoked', async () => {
    await market.exported([PUBLIC, PRIVATE])
    const news = fromSeller({ subject: 'news.>' })
    const token = await market.activate()
    await market.imported([news, fromSeller({ subject: 'secrets.>', token })])
    await market.world.gatehouse.accountsPushed()
    const heard = market.hearing('secrets.>')
    const told = market.hearing('news.>')
    await market.arrives(heard, 'secrets.1')

    await market.door.done('account.revoke-activation', {
      account: 'SELLER',
      export: 'secrets',
      for: 'BUYER',
    })
    await market.world.gatehouse.accountsPushed()
    await eventually(async () => {
      const before = heard.length
      market.seller.publish('secrets.2')
      await market.arrives(told, `news.${before}.${Date.now()}`)
      return heard.length === before
    })

    const anew = await market.activate()
    await market.imported([news, fromSeller({ subject: 'secrets.>', token: anew })])
    await market.world.gatehouse.accountsPushed()
    // To a server an import with another token is the same import: a subscription that lost it stays without.
    await market.arrives(market.hearing('secrets.>'), 'secrets.3')
  })

  it('keeps what was revoked of it, however it is written later', async () => {
    await market.exported([PRIVATE])
    const token = await market.activate()
    await market.door.done('account.revoke-activation', {
      account: 'SELLER',
      export: 'secrets.>',
      everyone: true,
    })
    await market.exported([])
    await market.exported([{ subject: 'secrets.a.*', type: 'stream', access: 'private' }, PUBLIC])
    const { status, error } = await market.door.command('account.update-imports', {
      account: 'BUYER',
      imports: [fromSeller({ subject: 'news.>' }), fromSeller({ subject: 'secrets.a.*', token })],
    })
    expect([status, error.faults]).toEqual([400, [{ where: 'imports[1].token', rule: 'was revoked' }]])
  })
})

describe('an export that somebody imports', () => {
  const exports = (exports: readonly object[], more: object = {}) =>
    market.door.command('account.update-exports', { account: 'SELLER', exports, ...more })
  const inUse = (import_: string) => ({
    status: 409,
    error: {
      code: 'in_use',
      message: `account "BUYER" imports the ${import_}: end that first, or say force: true`,
    },
  })

  it('stays until that ends, unless it is said to go all the same', async () => {
    await market.exported([PUBLIC, PRIVATE])
    await market.imported([fromSeller({ subject: 'news.today' })])
    expect(await exports([PRIVATE])).toMatchObject(inUse('stream "news.today"'))
    expect(await exports([{ ...PUBLIC, access: 'private' }])).toMatchObject(inUse('stream "news.today"'))
    // What is still given, written otherwise, and what nobody imports.
    expect(await exports([{ ...PUBLIC, subject: 'news.*' }])).toMatchObject({ status: 200 })
    expect(await exports([], { force: true })).toMatchObject({ status: 200 })
    // It has no effect already: nobody loses anything.
    expect(await exports([PRIVATE])).toMatchObject({ status: 200 })
    await market.imported([])
    expect(await exports([])).toMatchObject({ status: 200 })
  })
})

describe('an activation', () => {
  it('ends when it says so, and an import does with it', async () => {
    await market.exported([PRIVATE])
    const token = await market.activate({ ttl: '1h' })
    const { exp, iat } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      exp: number
      iat: number
    }
    expect(exp - iat).toBeGreaterThanOrEqual(3_598)
    expect(exp - iat).toBeLessThanOrEqual(3_602)
    await market.imported([fromSeller({ subject: 'secrets.>', token })])
  })

  it.each([
    [{ export: 'news.>' }, 'export', 400],
    [{ subject: 'elsewhere' }, 'subject', 400],
    [{ for: 'NOBODY' }, 'for', 400],
  ])('is not made where it would open nothing: %j', async (facts, where, status) => {
    await market.exported([PUBLIC, PRIVATE])
    const asked = { account: 'SELLER', export: 'secrets.>', for: 'BUYER', ...facts }
    const reply = await market.door.command('account.create-activation', asked)
    expect([reply.status, reply.error.faults[0]?.where]).toEqual([status, where])
  })

  it('is taken back from somebody, or from everyone, and it is said which', async () => {
    await market.exported([PRIVATE])
    for (const whom of [{}, { for: 'BUYER', everyone: true }]) {
      const asked = { account: 'SELLER', export: 'secrets.>', ...whom }
      expect(await market.door.command('account.revoke-activation', asked)).toMatchObject({ status: 400 })
    }
    expect(
      await market.door.command('account.revoke-activation', {
        account: 'SELLER',
        export: 'nothing',
        everyone: true,
      }),
    ).toMatchObject({ status: 404 })
  })
})
