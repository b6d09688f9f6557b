import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accountCommands } from '../../src/admin/account.ts'
import { execute } from '../../src/admin/execute.ts'
import { policyCommands } from '../../src/admin/policy.ts'
import type { AuditEvent } from '../../src/admin/transaction.ts'
import { userCommands } from '../../src/admin/user.ts'
import type { Command } from '../../src/admin/command.ts'
import { replay } from '../../src/domain/decider.ts'
import { policy, type Policy, type PolicyEvent } from '../../src/domain/policy.ts'
import { policyKey, userKey } from '../../src/domain/state-keys.ts'
import { user, type User, type UserEvent } from '../../src/domain/user.ts'
import { GatehouseError } from '../../src/errors.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld } from '../support/world.ts'
import { auditOf } from './bus.ts'

interface Wish {
  readonly command: Command
  readonly payload: Readonly<Record<string, unknown>>
}

const userName = fc.constantFrom('ann', 'ben')
const policyName = fc.constantFrom('p', 'q', 'r')
const subjects = fc.subarray(['a', 'b.>', 'c.{{user.id}}'])
const metadata = fc.dictionary(fc.constantFrom('k', 'l'), fc.constantFrom('1', '2'))
const label = fc.option(fc.constantFrom('laptop', 'phone'), { nil: undefined })

function wish(
  command: Command,
  payload: Readonly<Record<string, fc.Arbitrary<unknown>>>,
): fc.Arbitrary<Wish> {
  return fc.record(payload).map((values) => ({ command, payload: values }))
}

const wishes = fc.array(
  fc.oneof(
    wish(userCommands.createUser, { name: userName, metadata, policies: fc.subarray(['base', 'p', 'q']) }),
    wish(userCommands.assignPolicy, { user: userName, policy: policyName }),
    wish(userCommands.removePolicy, { user: userName, policy: policyName }),
    wish(userCommands.updateMetadata, { user: userName, metadata }),
    wish(userCommands.issueToken, { user: userName, label }),
    wish(policyCommands.createPolicy, { name: policyName, publish: fc.record({ allow: subjects }) }),
    wish(policyCommands.updatePermissions, { policy: policyName, subscribe: fc.record({ deny: subjects }) }),
    wish(policyCommands.updateLimits, {
      policy: policyName,
      limits: fc.record({ lifetime: fc.constantFrom('1h', '2h') }),
    }),
  ),
  { minLength: 10, maxLength: 40 },
)

/** The event as the domain knows it, from what the audit stream tells. */
function domainEvent({ subject, data }: AuditEvent): { type: string } & Record<string, unknown> {
  const { userId: _userId, policyId: _policyId, timestamp, ...facts } = data
  return { ...facts, type: subject.split('.').slice(3).join('.'), at: timestamp }
}

/** Credentials as events tell them: without what they prove themselves with. */
function withoutSecrets(stored: User): unknown {
  const credentials = stored.credentials.map(({ id, kind, label, expiresAt }) => ({
    id,
    kind,
    label,
    expiresAt,
  }))
  return JSON.parse(JSON.stringify({ ...stored, credentials }))
}

describe('the events of the audit stream', () => {
  it('replayed are the state that is stored', async () => {
    await using world = await openWorld()
    const { admin } = world.gatehouse
    const audit = await auditOf(world)
    const actor = { account: world.trust.chain.admin, user: 'test' }
    let run = 0
    let compared = 0

    await fc.assert(
      fc.asyncProperty(wishes, async (commands) => {
        const account = `RUN${(run += 1)}`
        const { account: id } = await execute(admin, accountCommands.createAccount, {
          actor,
          payload: { name: account },
        })
        let last: AuditEvent | undefined
        for (const { command, payload } of commands) {
          try {
            const done = await execute(admin, command, { actor, payload: { account, ...payload } })
            last = done.events.at(-1) ?? last
          } catch (error) {
            if (!(error instanceof GatehouseError)) throw error // Refused: then nothing happened.
          }
        }
        if (last === undefined) return
        const lastId = last.metadata['id']
        await eventually(() => audit.some(({ event }) => event.metadata['id'] === lastId))

        const ours = audit.filter(({ subject }) => subject.startsWith(`auth.event.${String(id)}.`))
        const of = (field: string): Map<unknown, AuditEvent[]> => {
          const found = new Map<unknown, AuditEvent[]>()
          for (const { event } of ours) {
            const id = event.data[field]
            if (id !== undefined) found.set(id, [...(found.get(id) ?? []), event])
          }
          return found
        }
        for (const [userId, events] of of('userId')) {
          const replayed = replay(user, events.map(domainEvent) as unknown as UserEvent[])
          const stored = (await admin.store.get(userKey(String(id), String(userId)))).value as User
          expect(JSON.parse(JSON.stringify(replayed))).toEqual(withoutSecrets(stored))
          compared += 1
        }
        for (const [policyId, events] of of('policyId')) {
          const replayed = replay(policy, events.map(domainEvent) as unknown as PolicyEvent[])
          const stored = (await admin.store.get(policyKey(String(policyId)))).value as Policy
          expect(JSON.parse(JSON.stringify(replayed))).toEqual(stored)
          compared += 1
        }
      }),
      { numRuns: 30 },
    )
    expect(compared).toBeGreaterThan(30)
  })
})
