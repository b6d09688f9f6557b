import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answer, type Admission } from '../../src/callout/callout.ts'
import { reconsider } from '../../src/callout/reconsider.ts'
import { sessionOf } from '../../src/callout/session-of.ts'
import type { Verified } from '../../src/callout/verify.ts'
import type { Account } from '../../src/domain/account.ts'
import type { Policy, PolicyLimits } from '../../src/domain/policy.ts'
import type { Role } from '../../src/domain/role.ts'
import type { User } from '../../src/domain/user.ts'
import { GatehouseError } from '../../src/errors.ts'
import { decode } from '../../src/jwt/token.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { signerOf } from '../../src/keys/signer.ts'
import { createToken } from '../../src/keys/token.ts'
import type { Session } from '../../src/sessions/session.ts'
import { directoryOf, type Records } from '../support/records.ts'
import {
  anAccount,
  anOperator,
  aPolicy,
  aRole,
  aToken,
  aUser,
  NOW_MS,
  openGate,
  type Gate,
} from '../support/requests.ts'

const [token, other] = [createToken(), createToken()]
const account = createKeyPair('account').publicKey
const operator = anOperator()

let gate: Gate
beforeAll(async () => {
  gate = await openGate({ userSigners: new Map([[account, signerOf(createKeyPair('account'))]]) })
})
afterAll(() => gate[Symbol.asyncDispose]())

const ids = ['p', 'q', 'r'] as const
const subject = fc.constantFrom('a', 'a.b', 'a.>', 'r.{{user.metadata.region}}', '{{account.name}}.x')
const rules = fc.record({
  allow: fc.uniqueArray(subject, { maxLength: 2 }),
  deny: fc.uniqueArray(subject, { maxLength: 1 }),
})
const soon = (seconds: number) => new Date(NOW_MS + seconds * 1_000).toISOString()
const rarely = <Value>(arbitrary: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
const limits: fc.Arbitrary<PolicyLimits> = fc.record({
  lifetimeSeconds: rarely(fc.constantFrom(60, 120)),
  sources: rarely(fc.constantFrom(['10.0.0.0/8'], ['192.168.0.0/16'])),
  connectionTypes: rarely(fc.constantFrom(['STANDARD' as const], ['MQTT' as const])),
  windows: rarely(
    fc.constantFrom(
      [{ zone: 'UTC', start: '00:00', end: '23:59:59' }],
      [{ zone: 'UTC', start: '00:00', end: '00:00:01' }],
    ),
  ),
})
const policy = (id: string): fc.Arbitrary<Policy> =>
  fc
    .tuple(rules, rules, limits)
    .map(([pub, sub, own]) => aPolicy({ pub, sub }, { id, name: id, limits: own }))
const role: fc.Arbitrary<Role> = fc
  .uniqueArray(fc.constantFrom(...ids), { maxLength: 2 })
  .map((policies) => aRole({ id: 'clerk', policies }))
const user: fc.Arbitrary<User> = fc
  .record({
    policies: fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 2 }),
    roles: fc.constantFrom([], [], ['clerk']),
    metadata: fc.constantFrom<Record<string, string>>(
      { region: 'eu' },
      { region: 'eu' },
      { region: 'us', colour: 'red' },
      {},
    ),
    lock: rarely(fc.constant({ reason: 'lost', since: soon(-1) })),
    expiresAt: rarely(fc.constantFrom(soon(-1), soon(30), soon(90))),
    credentials: fc.constantFrom(
      [aToken(token)],
      [aToken(token, { expiresAt: soon(45) })],
      [aToken(other, { id: 'other' })],
    ),
  })
  .map((facts) => aUser({ account, ...facts }))
const anyAccount: fc.Arbitrary<Account> = fc
  .record({
    name: fc.constantFrom('ORDERS', 'SALES'),
    defaultPolicy: rarely(fc.constantFrom(...ids)),
    boundaryPolicy: rarely(fc.constantFrom(...ids)),
    suspension: rarely(fc.constant({ reason: 'unpaid', since: soon(-1) })),
    expiresAt: rarely(fc.constantFrom(soon(-1), soon(50))),
  })
  .map((facts) => anAccount({ ...facts, id: account }))

interface Parts {
  readonly policies: readonly [Policy, Policy, Policy]
  readonly role: Role
  readonly user: User
  readonly account: Account
}
const parts: fc.Arbitrary<Parts> = fc.record({
  policies: fc.tuple(policy('p'), policy('q'), policy('r')),
  role,
  user,
  account: anyAccount,
})
const recordsOf = ({ policies, role, user, account }: Parts): Records => ({
  operator,
  accounts: [account],
  policies,
  roles: [role],
  users: [user],
})

/** A world, and what became of it: mostly one thing has changed. */
const change = fc
  .tuple(parts, parts, fc.constantFrom('policy', 'role', 'user', 'account', 'everything'))
  .map(([before, then, what]) => {
    const [p] = then.policies
    const [, q, r] = before.policies
    const after: Parts = {
      policies: what === 'policy' ? [p, q, r] : what === 'everything' ? then.policies : before.policies,
      role: what === 'role' || what === 'everything' ? then.role : before.role,
      user: what === 'user' || what === 'everything' ? then.user : before.user,
      account: what === 'account' || what === 'everything' ? then.account : before.account,
    }
    return { before: recordsOf(before), after: recordsOf(after) }
  })

interface Met {
  readonly request: Verified
  readonly admitted: Admission
}

/** Who is let in with the token, and as what. */
async function knock(records: Records): Promise<Met | undefined> {
  let met: Met | undefined
  const observer = {
    ...gate.telemetry,
    admitted: (request: Verified, admitted: Admission) => void (met = { request, admitted }),
  }
  const incoming = gate.server.ask({ connect: { auth_token: token } })
  await answer({ ...gate.callout, directory: directoryOf(records), observer }, incoming)
  return met
}

const worn = ({ admitted: { jwt } }: Met) => {
  const { claims } = decode(jwt) as unknown as { claims: { nats: Record<string, unknown>; exp?: number } }
  const { pub, sub, resp } = claims.nats
  return { permissions: { pub, sub, resp }, exp: claims.exp ?? Infinity }
}
const again = (session: Session, records: Records, nowMs = NOW_MS, changed: readonly string[] = []) =>
  reconsider(session, { directory: directoryOf(records), nowMs, changed: new Set(changed) })

describe('a session that is reconsidered', () => {
  it('is what a fresh decision for the same client would make of it', async () => {
    const seen = { holds: 0, changed: 0, fell: 0, unknown: 0 }
    await fc.assert(
      fc.asyncProperty(change, async ({ before, after }) => {
        const met = await knock(before)
        fc.pre(met !== undefined)
        const verdict = await again(sessionOf(met.request, met.admitted, NOW_MS), after)
        seen[verdict.is] += 1
        const fresh = await knock(after)
        if (fresh === undefined) {
          expect(verdict.is).toBe('fell')
          return
        }
        const [was, is] = [worn(met), worn(fresh)]
        const isSame = JSON.stringify(was.permissions) === JSON.stringify(is.permissions)
        expect(verdict.is).toBe(isSame && was.exp <= is.exp ? 'holds' : 'changed')
      }),
      { numRuns: 300 },
    )
    expect(Math.min(seen.holds, seen.changed, seen.fell)).toBeGreaterThan(10)
  }, 60_000)

  const plain: Parts = {
    policies: [
      aPolicy({ pub: { allow: ['a'] } }, { id: 'p', limits: { lifetimeSeconds: 600 } }),
      aPolicy({}),
      aPolicy({}),
    ],
    role: aRole({}),
    user: aUser({ account, policies: ['p'], credentials: [aToken(token)] }),
    account: anAccount({ id: account }),
  }
  const session = async (): Promise<Session> => {
    const { request, admitted } = (await knock(recordsOf(plain)))!
    return sessionOf(request, admitted, NOW_MS)
  }
  const withLifetime = (lifetimeSeconds: number): Records => {
    const [p, q, r] = plain.policies
    return recordsOf({ ...plain, policies: [{ ...p, limits: { lifetimeSeconds } }, q, r] })
  }

  it('counts its lifetime from its beginning', async () => {
    const open = await session()
    const later = NOW_MS + 500_000
    expect(await again(open, withLifetime(600), later)).toMatchObject({ is: 'holds' })
    expect(await again(open, withLifetime(6_000), later)).toMatchObject({ is: 'holds' })
    expect(await again(open, withLifetime(550), later)).toMatchObject({ is: 'changed' })
    expect(await again(open, withLifetime(60), later)).toMatchObject({ is: 'changed' })
  })

  it('counts it from when it was last decided anew', async () => {
    const open = await session()
    const resumed = new Date(NOW_MS).toISOString()
    const since = new Date(NOW_MS - 86_400_000).toISOString()
    expect(await again({ ...open, since }, withLifetime(600))).toMatchObject({ is: 'changed' })
    expect(await again({ ...open, since, resumed }, withLifetime(600))).toMatchObject({ is: 'holds' })
  })

  it('is not known while its user cannot be asked for', async () => {
    const away = () => Promise.reject(new GatehouseError('unavailable', 'JetStream does not answer'))
    const directory = { ...directoryOf(recordsOf(plain)), user: away }
    expect(await reconsider(await session(), { directory, nowMs: NOW_MS, changed: new Set() })).toEqual({
      is: 'unknown',
    })
  })

  it('of which nobody knows what let it in ends when its user is barred, or something it may rest on has changed', async () => {
    const open = { ...(await session()), adopted: true as const, credential: '', permissionsHash: '' }
    const { user } = plain
    const locked = recordsOf({ ...plain, user: { ...user, lock: { reason: 'lost', since: soon(-1) } } })
    expect(await again(open, locked)).toMatchObject({ is: 'fell', reason: 'user_locked' })
    const same = recordsOf(plain)
    expect(await again(open, same)).toMatchObject({ is: 'holds' })
    for (const key of [`user.${account}.${user.id}`, `account.${account}`, 'policy.p'])
      expect(await again(open, same, NOW_MS, [key])).toMatchObject({ is: 'changed' })
    for (const key of ['policy.q', 'role.clerk', `user.${account}.other`])
      expect(await again(open, same, NOW_MS, [key])).toMatchObject({ is: 'holds' })
  })
})
