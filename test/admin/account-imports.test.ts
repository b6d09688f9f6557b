import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { fromSeller, openMarket, PRIVATE, PUBLIC, type Market } from './market.ts'

let market: Market
beforeAll(async () => {
  market = await openMarket()
})
afterAll(() => market[Symbol.asyncDispose]())

describe('an import', () => {
  const refusal = async (imports: readonly object[], account = 'BUYER') => {
    const { status, error } = await market.door.command('account.update-imports', { account, imports })
    return status === 400 ? error.faults.map(({ where, rule }) => `${where} ${rule}`) : [status, error]
  }

  it('is refused where servers would leave it without effect, by its field', async () => {
    const other = String((await market.door.done('account.create', { name: 'OTHER' }))['account'])
    const positioned = { subject: 'to.*.>', type: 'stream', access: 'public', accountTokenPosition: 2 }
    await market.exported([PUBLIC, PRIVATE, positioned])
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
      [{ ...secrets, token: await market.activate({ for: 'OTHER' }) }, 'token must be for account "BUYER"'],
      [
        { ...secrets, token: await market.activate({ subject: 'secrets.a' }) },
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
    const inTime = fromSeller({ subject: `to.${market.keys.BUYER}.>` })
    expect(await refusal([inTime])).toEqual([200, undefined])
  })

  it('of another operator is taken for what it says, and only its form is checked', async () => {
    const account = createKeyPair('account').publicKey
    const mistyped = `${account.slice(0, -1)}${account.endsWith('A') ? 'B' : 'A'}`
    const foreign = { subject: 'x', type: 'stream' }
    expect(await refusal([{ account: mistyped, ...foreign }])).toEqual([
      'imports[0].account must be a public key of kind account',
    ])
    expect(await refusal([{ account, ...foreign }])).toEqual([200, undefined])
  })

  it('that would lead back to itself is refused: servers would silently do without the whole circle', async () => {
    const quote = { subject: 'circle.*', type: 'service' }
    const gives = [{ ...quote, access: 'public' }]
    for (const account of ['SELLER', 'BUYER', 'OTHER'])
      await market.door.done('account.update-exports', { account, exports: gives })
    const takes = (account: string, from: string, more: object = {}) =>
      refusal([{ account: from, ...quote, ...more }], account)
    expect(await takes('SELLER', 'BUYER')).toEqual([200, undefined])
    expect(await takes('BUYER', 'OTHER')).toEqual([200, undefined])
    const circle = 'imports[0].subject leads back to this account by imports of the other: a circle'
    expect(await takes('OTHER', 'SELLER')).toEqual([circle])
    // There and back under another name is a way that ends.
    expect(await takes('OTHER', 'SELLER', { localSubject: 'elsewhere.$1' })).toEqual([200, undefined])
    for (const account of ['SELLER', 'BUYER', 'OTHER'])
      await market.door.done('account.update-imports', { account, imports: [] })
  })

  it.each(['SYS', 'AUTH'])('is not for %s, and neither is an export', async (account) => {
    for (const [name, list] of [
      ['account.update-imports', { imports: [] }],
      ['account.update-exports', { exports: [] }],
    ] as const) {
      expect(await market.door.command(name, { account, ...list })).toMatchObject({
        status: 403,
        error: { code: 'forbidden' },
      })
    }
  })

  it('may be of the admins', async () => {
    await market.exported([PUBLIC])
    await market.door.done('account.update-imports', {
      account: 'ADMIN',
      imports: [fromSeller({ subject: 'news.>' })],
    })
    await market.world.gatehouse.accountsPushed()
    const admin = await market.world.connectAs('admin')
    expect((await admin.request('auth.v1.whoami')).json()).toMatchObject({ account: { name: 'ADMIN' } })
  })
})

describe('exports and imports', () => {
  const refused = async (name: string, payload: object) => {
    const { status, error } = await market.door.command(name, payload)
    return [status, error.faults.map(({ where, rule }) => `${where} ${rule}`)]
  }

  it('keep to the limits of the account, whichever is set last', async () => {
    await market.door.done('account.create', {
      name: 'NARROW',
      limits: { exports: 1, imports: 0, wildcardExports: false },
    })
    const plain = { subject: 'one', type: 'stream', access: 'public' }
    const narrow = { account: 'NARROW' }
    await market.exported([PUBLIC])
    expect(
      await refused('account.update-exports', { ...narrow, exports: [plain, { ...plain, subject: 'two' }] }),
    ).toEqual([400, ['exports must not be more than limits.exports allows']])
    expect(
      await refused('account.update-imports', { ...narrow, imports: [fromSeller({ subject: 'news.>' })] }),
    ).toEqual([400, ['imports must not be more than limits.imports allows']])
    await market.door.done('account.update-limits', { ...narrow, limits: { wildcardExports: false } })
    expect(await refused('account.update-exports', { ...narrow, exports: [PUBLIC] })).toEqual([
      400,
      ['exports[0].subject must have no wildcards: limits.wildcardExports is false'],
    ])
    await market.door.done('account.update-exports', { ...narrow, exports: [plain] })
    expect(await refused('account.update-limits', { ...narrow, limits: { exports: 0 } })).toEqual([
      400,
      ['exports must not be more than limits.exports allows'],
    ])
  })

  it('are told as they were and as they are', async () => {
    await market.exported([])
    const { events } = await market.exported([PUBLIC])
    expect(events).toMatchObject([
      {
        subject: `auth.event.${market.keys.SELLER}.account.exports_updated`,
        data: { name: 'SELLER', old: [], new: [PUBLIC] },
      },
    ])
  })
})
