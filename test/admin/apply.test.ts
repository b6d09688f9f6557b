import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PermissionViolationError, RequestError } from '@nats-io/transport-node'
import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apply, draft, serviceOf } from '../../src/admin/apply.ts'
import { policies } from '../../src/admin/aggregates.ts'
import { parseDocuments, readDocuments, type Documents, type SourceFile } from '../../src/admin/documents.ts'
import { accountNamed, userNamed } from '../../src/admin/lookup.ts'
import type { Step } from '../../src/admin/steps.ts'
import { View, type Actor } from '../../src/admin/transaction.ts'
import { readSources } from '../../src/cli/sources.ts'
import { policyKey } from '../../src/domain/state-keys.ts'
import { STATE_STREAM } from '../../src/nats/buckets.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryFolder } from '../support/programs.ts'
import { openWorld, PROJECT, type World } from '../support/world.ts'

let world: World
let actor: Actor
let samples: readonly SourceFile[]
beforeAll(async () => {
  world = await openWorld()
  actor = { account: world.trust.chain.admin, user: 'test' }
  samples = await readSources(PROJECT)
})
afterAll(() => world[Symbol.asyncDispose]())

const view = (): View => new View(world.gatehouse.admin.store)
const summary = (steps: readonly Step[]): string[] => steps.map(({ name, target }) => `${name}: ${target}`)

const planned = async (declared: Documents): Promise<readonly Step[]> =>
  (await draft(serviceOf(world.gatehouse.admin, actor), declared)).steps

const target = (step: string): string => step.replace(/^\S+ /, '')

/** The samples with one file written differently. */
function samplesWith(file: string, from: string, to: string): Documents {
  const changed = samples.map(({ path, text }) =>
    path.endsWith(file) ? { path, text: text.replace(from, to) } : { path, text },
  )
  expect(changed).not.toEqual(samples)
  return parseDocuments(changed)
}

const documents = (text: string): Documents => parseDocuments([{ path: 'd.yaml', text }])

async function applied(declared: Documents): Promise<string[]> {
  const steps = await apply(world.gatehouse.admin, declared, actor)
  expect(summary(await planned(declared))).toEqual([])
  return summary(steps)
}

async function lastSequence(): Promise<number> {
  const manager = await jetstreamManager(world.gatehouse.connection.nc)
  return (await manager.streams.info(STATE_STREAM)).state.last_seq
}

/** What the state says about an account, by names alone. */
async function described(account: string): Promise<unknown> {
  const found = await accountNamed(view(), account)
  const named = async (id: string): Promise<unknown> => {
    const policy = await view().load(policies, policyKey(id))
    if (policy.status === 'absent') return undefined
    const { name, permissions, limits } = policy
    return { name, permissions, limits, owned: policy.scope === found.id }
  }
  const users = await Promise.all(
    ['u', 'v'].map(async (name) => {
      const { metadata, policies } = await userNamed(view(), found, name)
      return { name, metadata, policies: await Promise.all(policies.map(named)) }
    }),
  )
  const { limits, metadata, description } = found
  return { limits, metadata, description, users, defaultPolicy: await named(found.defaultPolicy ?? '') }
}

describe('documents that are applied', () => {
  it('leave nothing to do', async () => {
    const before = await lastSequence()
    expect(await applied(parseDocuments(samples))).toEqual([])
    expect(await lastSequence()).toBe(before)
  })

  it.each<[what: string, change: readonly [file: string, from: string, to: string], steps: string[]]>([
    [
      'permissions',
      ['developer.yaml', 'deny: [orders.delete]', 'deny: []'],
      ['policy.update-permissions: policy developer'],
    ],
    [
      'a lifetime',
      ['readonly.yaml', 'kind: policy', 'kind: policy\nlimits: { lifetime: 1h }'],
      ['policy.update-limits: policy readonly'],
    ],
    ['limits', ['orders.yaml', 'disk: 1GiB', 'disk: 2GiB'], ['account.update-limits: account ORDERS']],
    [
      'a default policy',
      ['orders.yaml', 'kind: account', 'kind: account\ndefaultPolicy: readonly'],
      ['account.set-default-policy: account ORDERS'],
    ],
    [
      'a description',
      ['orders.yaml', 'Orders and inventory.', 'Other words.'],
      ['account.update-metadata: account ORDERS'],
    ],
    [
      'metadata',
      ['orders.yaml', 'kind: account', 'kind: account\nmetadata: { a: b }'],
      ['account.update-metadata: account ORDERS'],
    ],
    [
      'metadata of a user',
      ['orders.yaml', '[readonly]', '[readonly]\n    metadata: { a: b }'],
      ['user.update-metadata: user bob@example.com in ORDERS'],
    ],
    [
      'assignments',
      ['orders.yaml', '[developer]', '[readonly, worker]'],
      [
        'user.assign-policy: user alice@example.com in ORDERS',
        'user.assign-policy: user alice@example.com in ORDERS',
        'user.remove-policy: user alice@example.com in ORDERS',
      ],
    ],
  ])('with %s changed take just those steps, there and back', async (_, change, steps) => {
    expect(await applied(samplesWith(...change))).toEqual(steps)
    const back = await applied(parseDocuments(samples))
    expect(new Set(back.map(target))).toEqual(new Set(steps.map(target)))
  })

  it('leave alone what they do not name', async () => {
    const more = samplesWith('orders.yaml', 'users:', 'users:\n  - name: zoe')
    expect(await applied(more)).toEqual(['user.create: user zoe in ORDERS'])
    expect(await applied(parseDocuments(samples))).toEqual([])
  })

  it('take effect for who connects then', async () => {
    const publishes = async (subject: string): Promise<unknown> => {
      const alice = await world.connectAs('alice@example.com')
      const error: unknown = await alice.request(subject, '').catch((error: unknown) => error)
      await alice.close()
      return error
    }
    const isAllowed = (error: unknown): boolean => error instanceof RequestError && error.isNoResponders()
    const denied = (error: unknown): boolean =>
      error instanceof Error && [error, error.cause].some((each) => each instanceof PermissionViolationError)
    expect(await publishes('returns.new')).toSatisfy(denied)
    await applied(samplesWith('developer.yaml', 'allow: [orders.>', 'allow: [returns.>, orders.>'))
    await eventually(async () => isAllowed(await publishes('returns.new')))
    await applied(parseDocuments(samples))
    await eventually(async () => denied(await publishes('returns.new')))
  })

  it('take effect in the account', async () => {
    await applied(samplesWith('analytics.yaml', 'limits:', 'limits:\n  connections: 1'))
    await world.gatehouse.accountsPushed()
    const one = await world.connectAs('service-a')
    await expect(world.connectAs('service-a')).rejects.toThrow()
    await one.close()
    await applied(parseDocuments(samples))
    await world.gatehouse.accountsPushed()
    await world.connectAs('service-a')
    await world.connectAs('service-a')
  })
})

describe('documents that do not fit together', () => {
  it.each([
    [
      'policy of a user',
      'kind: account\nname: NEW\nusers: [{ name: u, policies: [base, nope] }]',
      ['d.yaml:3:37 users[0].policies[1]: there is no policy "nope"'],
    ],
    [
      'default policy',
      'kind: account\nname: NEW\ndefaultPolicy: nope',
      ['d.yaml:3:1 defaultPolicy: there is no policy "nope"'],
    ],
    [
      'account of a policy',
      'kind: policy\nname: new\naccount: NOPE',
      ['d.yaml:3:1 account: there is no account "NOPE"'],
    ],
    [
      'operator',
      'kind: operator\nname: other',
      ['d.yaml:2:1 name: the operator is "gatehouse" and keeps its name'],
    ],
    [
      'account of others',
      'kind: account\nname: SYS\n---\nkind: account\nname: AUTH\nusers: [{ name: u }]',
      [
        'd.yaml:2:1 name: account "SYS" belongs to Gatehouse: it cannot be declared',
        'd.yaml:5:1 name: account "AUTH" belongs to Gatehouse: it cannot be declared',
      ],
    ],
    [
      "policy of another account's",
      'kind: policy\nname: own\naccount: ORDERS\n---\nkind: account\nname: NEW\nusers: [{ name: u, policies: [own] }]',
      ['d.yaml:7:31 users[0].policies[0]: there is no policy "own"'],
    ],
  ])('are refused whole, with every place: %s', async (_, text, expected) => {
    const before = await lastSequence()
    const good = 'kind: policy\nname: good\n---\nkind: account\nname: GOOD\n---\n'
    const shift = (where: string): string =>
      where.replace(/^d\.yaml:(\d+)/, (_, line) => `d.yaml:${Number(line) + 6}`)
    await expect(apply(world.gatehouse.admin, documents(good + text), actor)).rejects.toMatchObject({
      code: 'invalid_document',
      faults: expected.map((fault) => {
        const [, where = '', rule = ''] = /^(\S+ \S+): (.*)$/.exec(shift(fault)) ?? []
        return { where, rule }
      }),
    })
    expect(await lastSequence()).toBe(before)
  })

  it('with what is wrong in their fields, all at once', async () => {
    const before = await lastSequence()
    const read = readDocuments([
      { path: 'a.yaml', text: 'kind: policy\nname: p\npublsh: {}\n' },
      {
        path: 'b.yaml',
        text: 'kind: account\nname: NEW\nusers: [{ name: u, policies: [p, nope, developer] }]\n',
      },
    ])
    await expect(apply(world.gatehouse.admin, read, actor)).rejects.toMatchObject({
      code: 'invalid_document',
      faults: [
        { where: 'a.yaml:3:1 publsh', rule: 'is not a field that is known here' },
        { where: 'b.yaml:3:34 users[0].policies[1]', rule: 'there is no policy "nope"' },
      ],
    })
    expect(await lastSequence()).toBe(before)
  })

  it('because nothing declares the policy that everybody has', async () => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, 'accounts'))
    await writeFile(join(folder.path, 'accounts', 'a.yaml'), 'kind: account\nname: A\n')
    await expect(openWorld({ documents: folder.path })).rejects.toMatchObject({
      code: 'invalid_document',
      faults: [
        {
          where: expect.stringMatching(/a\.yaml:1:1 defaultPolicy$/) as string,
          rule: 'there is no policy "base"',
        },
      ],
    })
  })
})

/** A policy of its own, which is its default, a shared one, two users: every kind of first step. */
const whole = (n: number): string => `kind: account
name: HALF${n}
description: half applied
limits: { connections: 7 }
defaultPolicy: own
metadata: { k: v }
users:
  - { name: u, policies: [own, shared${n}], metadata: { a: b } }
  - { name: v }
---
kind: policy
name: own
account: HALF${n}
publish: { allow: [a] }
---
kind: policy
name: shared${n}
limits: { lifetime: 1h }
`

describe('a run that is cut off', () => {
  it('is completed by the next one, wherever it ended', async () => {
    const { admin } = world.gatehouse
    const all = await planned(documents(whole(0)))
    expect(summary(all)).toEqual([
      'policy.create: policy shared0',
      'account.create: account HALF0',
      'policy.create: policy own of HALF0',
      'account.set-default-policy: account HALF0',
      'user.create: user u in HALF0',
      'user.create: user v in HALF0',
    ])
    const ends: string[] = []
    for (let done = 0; done <= all.length; done += 1) {
      const declared = documents(whole(done))
      for (const { name, payload } of (await planned(declared)).slice(0, done)) {
        await serviceOf(admin, actor).request(name, payload)
      }
      const rest = await applied(declared)
      expect(rest).toHaveLength(all.length - done)
      ends.push(JSON.stringify(await described(`HALF${done}`)).replaceAll(`shared${done}`, 'shared'))
    }
    expect(new Set(ends).size).toBe(1)
    expect(ends[0]).toContain('"connections":7')
    expect(ends[0]).toContain('"owned":true')
  })
})
