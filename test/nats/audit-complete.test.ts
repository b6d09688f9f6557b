import type { NatsConnection } from '@nats-io/transport-node'
import { expect, it } from 'vitest'
import type { AuditEvent } from '../../src/admin/transaction.ts'
import { ask, auditOf } from '../admin/bus.ts'
import { eventually } from '../support/eventually.ts'
import { createListenerPolicy, listen, openListener } from '../support/listeners.ts'
import { openWorld } from '../support/world.ts'

const COMMANDS = 1_000
/** As many at a time as the service takes from one caller. */
const AT_A_TIME = 64
const USERS = 50

interface Sent {
  readonly name: string
  readonly request: Readonly<Record<string, unknown>>
}

/** Several kinds of commands on several aggregates, in an order in which each can be done. */
function work(): readonly (readonly Sent[])[] {
  const account = 'ORDERS'
  const makeUsers = Array.from({ length: USERS }, (_, n) => ({
    name: 'user.create',
    request: { account, name: `u${n}` },
  }))
  const makePolicy = { name: 'policy.create', request: { name: 'busy' } }
  const makeRole = { name: 'role.create', request: { name: 'busy', policies: ['base'] } }
  const changes = Array.from({ length: COMMANDS - USERS - 2 }, (_, n): Sent => {
    const of = { account, user: `u${n % USERS}` }
    // The policy and the account are everybody's: few of those at a time, for each waits for the others.
    switch ((n + Math.floor(n / USERS)) % 30) {
      case 0:
        return {
          name: 'policy.update-permissions',
          request: { policy: 'busy', publish: { allow: [`busy.${n}`] } },
        }
      case 1:
        return { name: 'account.update-metadata', request: { account, metadata: { n: String(n) } } }
      case 2:
      case 3:
        return { name: 'user.lock', request: { ...of, reason: `because of ${n}` } }
      case 4:
        return { name: 'user.unlock', request: of }
      case 5:
        return { name: 'user.issue-token', request: { ...of, label: `t${n}` } }
      default:
        return { name: 'user.update-metadata', request: { ...of, metadata: { n: String(n) } } }
    }
  })
  return [[makePolicy, makeRole, ...makeUsers], changes]
}

interface Done {
  readonly events: readonly AuditEvent[]
  readonly revision: number
}

/** Sends them so many at a time; a crowd is told to come back, and does. */
async function send(admin: NatsConnection, commands: readonly Sent[]): Promise<readonly Done[]> {
  const done: Done[] = []
  const queue = [...commands]
  const sender = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { status, body, error } = await ask(admin, { command: next.name, payload: next.request })
      if (status === 200) done.push(body as unknown as Done)
      else if (error.code === 'busy') queue.push(next)
      else throw new Error(`${next.name}: ${error.code} ${error.message}`)
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, sender))
  return done
}

const idOf = ({ metadata }: AuditEvent): string => String(metadata['id'])
const aggregateOf = ({ data }: AuditEvent): string =>
  String(data['userId'] ?? data['policyId'] ?? data['roleId'] ?? data['accountId'])

it('holds 1,000 commands against the audit stream: each there once, and in order for each aggregate', async () => {
  await using world = await openWorld()
  const admin = await world.connectAs('admin')
  await createListenerPolicy(admin)
  const { nc } = await openListener(world, admin, { account: 'ADMIN', name: 'audit' })
  const told = await listen(nc)
  const audit = await auditOf(world)

  const [first = [], then = []] = work()
  const done = [...(await send(admin, first)), ...(await send(admin, then))]
  expect(done).toHaveLength(COMMANDS)
  const answered = new Map(
    done.flatMap(({ events, revision }) =>
      events.map((event) => [idOf(event), { event, revision }] as const),
    ),
  )
  // Some found nothing to do (an unlocked user): most did something.
  expect(answered.size).toBeGreaterThan(COMMANDS * 0.7)

  const ofThese = (): readonly AuditEvent[] =>
    audit.map(({ event }) => event).filter((event) => answered.has(idOf(event)))
  await eventually(() => ofThese().length >= answered.size, 30_000)
  const stored = ofThese()
  expect(new Set(stored.map(idOf)).size).toBe(answered.size)
  expect(stored).toHaveLength(answered.size)
  for (const event of stored) expect(event).toEqual(answered.get(idOf(event))?.event)

  const last = new Map<string, number>()
  for (const event of stored) {
    const { revision } = answered.get(idOf(event))!
    const aggregate = aggregateOf(event)
    expect(revision, `${aggregate} in order`).toBeGreaterThan(last.get(aggregate) ?? 0)
    last.set(aggregate, revision)
  }
  expect(last.size).toBe(USERS + 3)

  // And the feed says the same, in the same order.
  const fed = (): string[] => told.map(({ messageId = '' }) => messageId).filter((id) => answered.has(id))
  await eventually(() => fed().length >= answered.size, 30_000)
  expect(fed()).toEqual(stored.map(idOf))
})
