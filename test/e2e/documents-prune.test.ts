import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApplying, type Applying } from '../support/applying.ts'
import { command } from '../support/clients.ts'
import { openWorld, PROJECT, type World } from '../support/world.ts'

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

const done = (name: string, body: Readonly<Record<string, unknown>>) => command(admin, name, body)

async function names(list: string, body: Readonly<Record<string, unknown>> = {}): Promise<string[]> {
  const { items } = await done(list, body)
  return (items as { name: string }[]).map(({ name }) => name).sort()
}

describe('gatehouse apply --prune', () => {
  it('removes what no document declares, when nothing of it is in use any more', async () => {
    await done('policy.create', { name: 'stray' })
    await done('policy.create', { name: 'stray-in-role' })
    await done('role.create', { name: 'stray-role', policies: ['stray-in-role', 'stray'] })
    await done('policy.create', { name: 'own-stray', account: 'ORDERS' })
    await done('role.create', { name: 'own-role', account: 'ORDERS', policies: ['own-stray', 'base'] })
    await done('user.create', {
      account: 'ORDERS',
      name: 'zoe',
      policies: ['stray'],
      roles: ['stray-role', 'own-role'],
    })
    const before = {
      policies: await names('policy.list'),
      users: await names('user.list', { account: 'ADMIN' }),
    }

    const untouched = await documents.plan(PROJECT)
    expect(untouched).toMatchObject({ outcome: 'nothing' })
    const { out } = await documents.apply([PROJECT], { dryRun: true, prune: true })
    expect(out).toBe(
      [
        '- remove user zoe in ORDERS (not declared)',
        '- remove role own-role of ORDERS (not declared)',
        '- remove role stray-role (not declared)',
        '- remove policy own-stray of ORDERS (not declared)',
        '- remove policy stray (not declared)',
        '- remove policy stray-in-role (not declared)',
        '',
        '6 to remove.',
        '',
        '1 user of ORDERS loses publish auth.v1.whoami; subscribe _INBOX.>, _INBOX_USER_ID.>: zoe',
        'That concerns no live session.',
        '',
      ].join('\n'),
    )
    await expect(documents.apply([PROJECT], { prune: true })).rejects.toMatchObject({
      code: 'invalid_request',
      message: '--prune without a terminal to ask at needs --yes; nothing was changed',
    })
    expect(await names('policy.list')).toEqual(before.policies)

    expect(await documents.apply([PROJECT], { prune: true, yes: true })).toMatchObject({
      outcome: 'applied',
      out,
    })
    expect(await documents.apply([PROJECT], { prune: true })).toMatchObject({ outcome: 'nothing' })
    expect(await names('user.list', { account: 'ORDERS' })).toEqual(['alice@example.com', 'bob@example.com'])
    expect(await names('role.list')).toEqual([])
    expect(await names('user.list', { account: 'ADMIN' })).toEqual(before.users)
  })

  it('keeps whoever prunes, with what it has, and what stays in use', async () => {
    const file = await documents.write(
      'd.yaml',
      'kind: account\nname: ADMIN\nlimits: { jetstream: {} }\nusers: []\n---\nkind: policy\nname: base\npublish: { allow: [auth.v1.whoami] }\nsubscribe: { allow: [_INBOX.>] }\n',
    )
    const { out } = await documents.apply([file], { dryRun: true, prune: true })
    expect(out).toContain('  keep user admin in ADMIN (not declared): it is who prunes\n')
    expect(out).toContain('  keep policy admin (not declared): it is in use by what stays\n')
    expect(out).not.toContain('remove user admin')
  })
})
