import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Callout } from '../../src/callout/callout.ts'
import type { OpenSession } from '../../src/callout/resume.ts'
import type { User } from '../../src/domain/user.ts'
import type { ConnectOptions } from '../../src/jwt/claims.ts'
import { decode } from '../../src/jwt/token.ts'
import { createToken } from '../../src/keys/token.ts'
import type { Connection } from '../../src/sessions/session.ts'
import { directoryOf, type Records } from '../support/records.ts'
import { aPolicy, NOW_SECONDS, type Gate, type Outcome } from '../support/requests.ts'
import { device, openGateFor, orders, other, PASSWORD, passwords, storedPeople, tokens } from './people.ts'

const CID = 9
let records: Records
let gate: Gate
let alice: User
beforeAll(async () => {
  records = await storedPeople()
  gate = await openGateFor(records)
  alice = records.users.find(({ id }) => id === 'alice')!
})
afterAll(() => gate[Symbol.asyncDispose]())

const credentialOf = (kind: string): string => alice.credentials.find((held) => held.kind === kind)!.id
const sessionOf = (facts: Partial<OpenSession> = {}): OpenSession => ({
  account: orders.id,
  user: 'alice',
  name: 'alice',
  credential: credentialOf('token'),
  ...facts,
})

/** What happens when the server asks about connection 9, which it let in as that session. */
function askAgain(
  connect: Partial<ConnectOptions>,
  { session = sessionOf(), with_ = {} }: { session?: OpenSession; with_?: Partial<Callout> } = {},
): Promise<Outcome> {
  const at = ({ server, cid }: Connection) => (server === gate.server.id && cid === CID ? session : undefined)
  const asking = { connect, client: { id: CID } }
  return gate.outcome(gate.server.ask(asking), { openSessions: { at }, ...with_ })
}

/** Somebody else's idea of Alice. */
const withAlice = (facts: Partial<User>): Partial<Callout> => ({
  directory: directoryOf({
    ...records,
    users: records.users.map((user) => (user === alice ? { ...user, ...facts } : user)),
  }),
})

async function resumed(): Promise<number> {
  const metric = await gate.telemetry.metrics.getSingleMetric('gatehouse_sessions_resumed_total')?.get()
  return metric?.values[0]?.value ?? 0
}

const isoAt = (seconds: number): string => new Date(seconds * 1_000).toISOString()
const expOf = ({ answer }: Outcome): number | undefined => decode(answer?.nats.jwt ?? '').claims.exp

describe('a connection that is open, and proves nothing anew', () => {
  it('is resumed, counted, and told apart from a login', async () => {
    const before = await resumed()
    const lines = gate.lines.length
    const { counted, answer } = await askAgain({ user: 'alice' })
    expect(counted).toEqual(['admitted'])
    expect(decode(answer?.nats.jwt ?? '').claims.name).toBe('alice')
    expect(await resumed()).toBe(before + 1)
    expect(gate.lines.slice(lines).filter((line) => line.includes('callout.resumed'))).toHaveLength(1)
    expect(gate.lines.slice(lines).filter((line) => line.includes('callout.admitted'))).toEqual([])
  })

  it('lasts no longer than it was to last', async () => {
    const until = isoAt(NOW_SECONDS + 77)
    expect(expOf(await askAgain({ user: 'alice' }, { session: sessionOf({ until }) }))).toBe(NOW_SECONDS + 77)
    const over = sessionOf({ until: isoAt(NOW_SECONDS) })
    expect((await askAgain({ user: 'alice' }, { session: over })).counted).toEqual(['denied no_credential'])
    const wrong = sessionOf({ until: 'tomorrow' })
    expect((await askAgain({ user: 'alice' }, { session: wrong })).counted).toEqual(['denied no_credential'])
  })

  it.each<[string, Partial<ConnectOptions>]>([
    ['nobody', {}],
    ['another user', { user: 'sam-of-ORDERS' }],
    ['its account too', { user: 'ORDERS/alice' }],
    ['a forged name', { user: 'alice.>' }],
    ['a signature without a key', { user: 'sam-of-ORDERS', sig: 'AAAA' }],
  ])('is not resumed when it names %s', async (_, connect) => {
    expect((await askAgain(connect)).counted).toEqual(['denied no_credential'])
  })

  it('is decided anew: who was locked, or lost the credential, is refused', async () => {
    const of = async (with_: Partial<Callout>) => (await askAgain({ user: 'alice' }, { with_ })).counted
    const lock = { reason: 'lost laptop', since: isoAt(NOW_SECONDS - 1) }
    expect(await of(withAlice({ lock }))).toEqual(['denied user_locked'])
    expect(await of(withAlice({ credentials: [] }))).toEqual(['denied unknown_credential'])
    expect(await of(withAlice({ policies: ['night'] }))).toEqual(['denied outside_window'])
    expect(await of(withAlice({ policies: ['office'] }))).toEqual(['denied source_not_allowed'])
    expect(await of(withAlice({ id: 'a namesake' }))).toEqual(['denied no_credential'])
    expect(await of(withAlice({ account: other.id }))).toEqual(['denied no_credential'])
    const away = () => Promise.reject(new TypeError('not asked'))
    expect(await of({ directory: { ...directoryOf(records), userByToken: away } })).toEqual(['admitted'])
  })

  it('gets what its user is granted now', async () => {
    const policies = [...records.policies, aPolicy({ pub: { allow: ['new.>'] } }, { name: 'new' })]
    const users = records.users.map((user) => (user === alice ? { ...user, policies: ['new'] } : user))
    const directory = directoryOf({ ...records, policies, users })
    const { answer } = await askAgain({ user: 'alice' }, { with_: { directory } })
    expect(decode(answer?.nats.jwt ?? '').claims).toMatchObject({ nats: { pub: { allow: ['new.>'] } } })
  })

  it('is another one on another server, and with another number', async () => {
    const at = ({ server, cid }: Connection) =>
      server === 'ANOTHER' || cid !== CID ? sessionOf() : undefined
    const asking = { connect: { user: 'alice' }, client: { id: CID } }
    const { counted } = await gate.outcome(gate.server.ask(asking), { openSessions: { at } })
    expect(counted).toEqual(['denied no_credential'])
  })
})

describe('a connection that is open, and brings a proof', () => {
  it('is held to it', async () => {
    const wrong = { user: 'alice', pass: 'correct house' }
    expect((await askAgain(wrong)).counted).toEqual(['denied wrong_password'])
    const unknown = { user: 'alice', auth_token: createToken() }
    expect((await askAgain(unknown)).counted).toEqual(['denied unknown_credential'])
    const unsigned = { user: 'alice', nkey: device.publicKey, sig: 'AAAA' }
    const signed = gate.server.ask({ connect: unsigned, client: { id: CID, nonce: 'n0nce' } })
    const openSessions = { at: () => sessionOf() }
    expect((await gate.outcome(signed, { openSessions })).counted).toEqual(['denied wrong_signature'])
  })

  it('is resumed when it proves what opened it, and is new when it proves the same user by something else', async () => {
    const before = await resumed()
    expect((await askAgain({ user: 'alice', auth_token: tokens['alice']! })).counted).toEqual(['admitted'])
    expect(await resumed()).toBe(before + 1)
    expect((await askAgain({ user: 'alice', pass: PASSWORD })).counted).toEqual(['admitted'])
    expect(await resumed()).toBe(before + 1)
    const byPassword = sessionOf({ credential: credentialOf('password') })
    await askAgain({ user: 'alice', pass: PASSWORD }, { session: byPassword })
    expect(await resumed()).toBe(before + 2)
  })

  it('by which it gains time', async () => {
    const session = sessionOf({ until: isoAt(NOW_SECONDS + 77) })
    expect(
      expOf(await askAgain({ user: 'alice', auth_token: tokens['alice']! }, { session })),
    ).toBeUndefined()
  })

  it('never becomes another user', async () => {
    const of = async (who: string) => (await askAgain({ user: 'alice', auth_token: tokens[who]! })).counted
    expect(await of('sam of ORDERS')).toEqual(['denied session_of_another'])
    expect(await of('bob in another account')).toEqual(['denied session_of_another'])
  })

  it('need not say again in which of the accounts it is', async () => {
    const who = 'sam of OTHER'
    const sam = records.users.find(({ id }) => id === who)!
    const session = { account: other.id, user: who, name: 'sam', credential: sam.credentials[0]!.id }
    const connect = { user: 'sam', pass: tokens[who]! }
    expect((await askAgain(connect, { session })).counted).toEqual(['admitted'])
  })

  it('is resumed in a storm of others that bring their passwords, as what it was', async () => {
    const session = sessionOf({ credential: credentialOf('password'), until: isoAt(NOW_SECONDS + 77) })
    const storm = passwords.hash('another')
    const outcome = await askAgain({ user: 'alice', pass: PASSWORD }, { session })
    const sam = await askAgain({ user: 'sam-of-ORDERS', pass: 'x' }, { session })
    await storm
    expect(outcome.counted).toEqual(['admitted'])
    expect(expOf(outcome)).toBe(NOW_SECONDS + 77)
    expect(sam.counted).toEqual(['denied no_credential'])
  })
})
