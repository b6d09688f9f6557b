import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { afterSteps } from '../../src/admin/after-steps.ts'
import { draft, serviceOf } from '../../src/admin/apply.ts'
import { censusOf } from '../../src/admin/census.ts'
import { consequencesOf } from '../../src/admin/consequences.ts'
import { parseDocuments } from '../../src/admin/documents.ts'
import { readSnapshot, type Service } from '../../src/admin/snapshot.ts'
import { review as reviewOf } from '../../src/domain/review.ts'
import { openApplying, type Applying } from '../support/applying.ts'
import { command } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let admin: NatsConnection
let documents: Applying
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
  documents = await openApplying(world)
})
afterAll(async () => {
  await documents[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

/** What a plan says below its counts. */
async function review(text: string, more: { names?: string; prune?: true } = {}): Promise<string> {
  const file = await documents.write('d.yaml', text)
  const { out } = await documents.apply([file], { dryRun: true, ...more })
  return out.slice(out.search(/^\d+ to .*\n\n/m)).replace(/^.*\n\n/, '')
}

async function live(account: string, users?: readonly string[]) {
  const reply = await command(admin, 'session.count', { account, ...(users && { users }) })
  return { sessions: reply['sessions'], users: reply['users'] }
}

const DEVELOPER = `kind: policy
name: developer
description: Works with orders and inventory, and deletes nothing.
publish: { allow: [orders.>, inventory.>] }
subscribe: { allow: [orders.>] }
delegable: true
`

describe('the plan of documents', () => {
  it('ends with who gains, who loses, and how many live sessions that concerns', async () => {
    await world.connectAs('alice@example.com')
    await world.connectAs('alice@example.com')
    await world.connectAs('bob@example.com')
    await eventually(async () => (await live('ORDERS')).sessions === 3)
    expect(await review(DEVELOPER)).toBe(`1 user of ORDERS gains publish orders.delete: alice@example.com
1 user of ORDERS loses subscribe inventory.>: alice@example.com
That concerns 2 live sessions.
`)
    const { out } = await documents.apply([await documents.write('d.yaml', DEVELOPER)], {
      dryRun: true,
      json: true,
    })
    const alice = [{ account: 'ORDERS', user: 'alice@example.com' }]
    const nothing = { publish: [], subscribe: [], other: [] }
    expect(JSON.parse(out)).toMatchObject({
      review: {
        gains: [{ ...nothing, publish: ['orders.delete'], count: 1, users: alice }],
        losses: [{ ...nothing, subscribe: ['inventory.>'], count: 1, users: alice }],
        affected: 1,
        sessions: 2,
        isAtMost: false,
      },
    })
  })

  it('counts users beyond those that it names', async () => {
    const users = Array.from({ length: 12 }, (_, i) => `  - { name: u${i}, policies: [team] }`).join('\n')
    const team = (subject: string): string => `kind: policy
name: team
publish: { allow: [${subject}] }
---
kind: account
name: TEAM
users:
${users}
`
    expect(await review(team('a'))).toContain(
      '12 users of TEAM gain publish a, auth.v1.whoami; subscribe _INBOX.>, _INBOX_USER_ID.>: u0, u1, u2, u3, u4, u5, u6, u7, u8, u9, 2 more\n',
    )
    await documents.apply([await documents.write('d.yaml', team('a'))])
    const changed = team('b').replace(users, '  []')
    expect(await review(changed, { names: '2' })).toBe(`12 users of TEAM gain publish b: u0, u1, 10 more
12 users of TEAM lose publish a: u0, u1, 10 more
That concerns no live session.
`)
  })

  it('tells first who would not be let in', async () => {
    const text = `kind: policy
name: shop-clerk
publish: { allow: ['till.{{user.metadata.till}}'] }
---
kind: account
name: SHOP
defaultPolicy: null
users: [{ name: boss, policies: [shop-clerk] }, { name: ann, policies: [shop-clerk], metadata: { till: '7' } }]
`
    expect(await review(text))
      .toBe(`1 user of SHOP would not be let in: policy "shop-clerk" asks for {{user.metadata.till}}: boss
1 user of SHOP gains publish till.7: ann
`)
    const file = await documents.write('d.yaml', text)
    const { out } = await documents.apply([file], { dryRun: true, json: true })
    expect(JSON.parse(out)).toMatchObject({
      review: {
        refused: [
          {
            why: 'policy "shop-clerk" asks for {{user.metadata.till}}',
            count: 1,
            users: [{ account: 'SHOP', user: 'boss' }],
          },
        ],
      },
    })
  })

  it('says so when nobody is touched, and nothing where nothing could touch anybody', async () => {
    expect(await review('kind: policy\nname: unused\npublish: { allow: [x] }\n')).toBe(
      'Nobody gains or loses anything.\n',
    )
    const file = await documents.write(
      'd.yaml',
      'kind: account\nname: ANALYTICS\ndescription: Other words.\n',
    )
    const { out } = await documents.apply([file], { dryRun: true })
    expect(out).toMatch(/change\.\n$/)
  })

  it('does not fail where the servers are not asked, and says why', async () => {
    const policy = { name: 'planner', publish: { allow: ['auth.v1.*.get', 'auth.v1.*.list'] } }
    await command(admin, 'policy.create', policy)
    await command(admin, 'user.create', { account: 'ADMIN', name: 'planner', policies: ['planner'] })
    const { token } = await command(admin, 'user.issue-token', { account: 'ADMIN', user: 'planner' })
    const tokenFile = await documents.write('planner.token', String(token))
    const file = await documents.write('d.yaml', DEVELOPER)
    const { out } = await documents.apply([file], { dryRun: true, tokenFile })
    expect(out).toContain('gains publish orders.delete')
    expect(out).toMatch(/\nHow many live sessions that concerns is not known: .*session\.count.*\n$/)
  })

  it('foresees what is so once it is applied', async () => {
    const service = serviceOf(world.gatehouse.admin, { account: world.trust.chain.admin, user: 'test' })
    const wanted = { operator: false, users: () => 'all' as const }
    const seen = async () => censusOf(await readSnapshot(service, wanted))
    const written = [
      `kind: policy\nname: seen\npublish: { allow: [a.>, b] }\n---\nkind: policy\nname: own\naccount: SEEN\npublish: { allow: [own] }`,
      'kind: policy\nname: wide\npublish: { allow: [a.>, own, c] }\n---\nkind: role\nname: part\npolicies: [seen]',
      `kind: account\nname: SEEN\nusers:\n  - { name: u, policies: [seen] }\n  - { name: v, roles: [part] }\n  - { name: w }`,
    ].join('\n---\n')
    await documents.apply([await documents.write('seen.yaml', written)])
    const changed = written
      .replace('[a.>, b]', "[a.b, 'x.{{user.metadata.k}}'], deny: [c]")
      .replace('role\nname: part\npolicies: [seen]', 'role\nname: part\npolicies: [wide]')
      .replace('name: SEEN\nusers', 'name: SEEN\ndefaultPolicy: own\nboundaryPolicy: wide\nusers')
      .replace('policies: [seen] }', 'policies: [seen, own], metadata: { k: v } }')
      .replace('{ name: w }', '{ name: w, roles: [part] }')
    const drafted = await draft(service, parseDocuments([{ path: 'seen.yaml', text: changed }]))
    const before = await seen()
    const foreseen = afterSteps(before, drafted.steps)
    expect(
      reviewOf(before, foreseen)
        .affected.map(({ user }) => user)
        .sort(),
    ).toEqual(['u', 'v', 'w'])
    await documents.apply([await documents.write('seen.yaml', changed)])
    expect(reviewOf(foreseen, await seen())).toEqual({
      refused: [],
      gains: [],
      losses: [],
      changes: [],
      affected: [],
    })
  })

  it('reads users whom no document names only where what they share changes', async () => {
    const real = serviceOf(world.gatehouse.admin, { account: world.trust.chain.admin, user: 'test' })
    const listed = async (text: string): Promise<unknown[]> => {
      const asked: unknown[] = []
      const service: Service = {
        ...real,
        request(name, body) {
          if (name === 'user.list') asked.push(body['account'])
          return real.request(name, body)
        },
      }
      const drafted = await draft(service, parseDocuments([{ path: 'd.yaml', text }]))
      expect(drafted.steps).not.toEqual([])
      await consequencesOf(service, drafted)
      return asked.sort()
    }
    expect(await listed('kind: account\nname: ORDERS\ndescription: Other words.\n')).toEqual([])
    const alice = '{ name: alice@example.com, policies: [worker] }'
    expect(await listed(`kind: account\nname: ORDERS\nusers: [${alice}]\n`)).toEqual([])
    expect(await listed('kind: policy\nname: new\n')).toEqual([])
    expect(await listed('kind: account\nname: ORDERS\ndefaultPolicy: worker\n')).toEqual(['ORDERS'])
    expect(await listed(DEVELOPER)).toEqual(expect.arrayContaining(['ADMIN', 'ANALYTICS', 'ORDERS']))
  })

  it('tells of those who go', async () => {
    await command(admin, 'account.create', { name: 'GOING' })
    await command(admin, 'user.create', { account: 'GOING', name: 'mallory', policies: ['worker'] })
    const base = 'publish auth.v1.whoami; subscribe _INBOX.>, _INBOX_USER_ID.>'
    expect(await review(DEVELOPER, { prune: true })).toContain(
      `2 users lose ${base}, "events.> workers"; answers to requests (1 within 120s): service-a of ANALYTICS, mallory of GOING\n`,
    )
  })
})

describe('the live sessions of an account', () => {
  it('are counted for users that are asked for, however many', async () => {
    await world.connectAs('service-a')
    await eventually(async () => (await live('ANALYTICS')).sessions === 1)
    const served = { sessions: 1, users: [{ user: 'service-a', sessions: 1 }] }
    expect(await live('ANALYTICS', ['service-a', 'nobody'])).toEqual(served)
    const many = Array.from({ length: 30 }, (_, i) => `n${i}`)
    expect(await live('ANALYTICS', [...many, 'service-a'])).toEqual(served)
    expect(await live('ANALYTICS', ['nobody'])).toEqual({ sessions: 0, users: [] })
  })
})
