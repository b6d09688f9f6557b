import type { NatsConnection } from '@nats-io/transport-node'
import { expect } from 'vitest'
import { openWorld, type World } from '../support/world.ts'
import { ask, auditOf, type Heard, type Reply } from './bus.ts'

/** A world with something to explain: templates, roles, a boundary, and two users of one name. */
export interface Explained {
  readonly world: World
  readonly admin: NatsConnection
  readonly audit: readonly Heard[]
  /** Sends a command that must succeed. */
  readonly command: (name: string, payload?: unknown) => Promise<Reply['body']>
}

export async function openExplained(): Promise<Explained> {
  const world = await openWorld()
  const admin = await world.connectAs('admin')
  const audit = await auditOf(world)
  const command: Explained['command'] = async (name, payload = {}) => {
    const { status, body } = await ask(admin, { command: name, payload })
    expect([name, status, body['error']]).toEqual([name, 200, undefined])
    return body
  }
  await command('policy.create', {
    name: 'regional',
    publish: { allow: ['region.{{user.metadata.region}}.>'], deny: ['region.*.secret'] },
    subscribe: { allow: ['region.eu.>', { subject: 'jobs.>', queue: 'workers' }] },
  })
  await command('policy.create', { name: 'cap', publish: { allow: ['orders.>', 'auth.v1.whoami'] } })
  await command('role.create', { name: 'crew', policies: ['regional', 'developer'] })
  await command('account.create', { name: 'CAPPED' })
  await command('account.set-boundary-policy', { account: 'CAPPED', policy: 'cap' })
  for (const account of ['ORDERS', 'CAPPED']) {
    const metadata = { region: 'eu', unused: 'x' }
    await command('user.create', {
      account,
      name: 'dora',
      policies: ['developer'],
      roles: ['crew'],
      metadata,
    })
  }
  await command('user.create', { account: 'ORDERS', name: 'nowhere', policies: ['regional'] })
  return { world, admin, audit, command }
}

export interface ToldEntry {
  readonly side: string
  readonly effect: string
  readonly subject: string
  readonly sources: readonly {
    readonly policy: string
    readonly via: readonly string[]
    readonly field: string
  }[]
  readonly within?: readonly { readonly policy: string }[]
}

export function entryOf(body: unknown, subject: string): ToldEntry | undefined {
  const { entries } = body as { readonly entries: readonly ToldEntry[] }
  return entries.find((entry) => entry.subject === subject)
}
