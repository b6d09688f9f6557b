import type { LiveSessions } from '../../src/callout/presence.ts'
import type { Policy } from '../../src/domain/policy.ts'
import type { User } from '../../src/domain/user.ts'
import { GatehouseError } from '../../src/errors.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { Passwords } from '../../src/keys/password.ts'
import { signerOf } from '../../src/keys/signer.ts'
import { createToken } from '../../src/keys/token.ts'
import { aSession } from '../sessions/sessions.ts'
import { type Records } from '../support/records.ts'
import {
  anAccount,
  anOperator,
  aPolicy,
  aToken,
  aUser,
  NOW_SECONDS,
  openGate,
  type Gate,
  type GateOptions,
} from '../support/requests.ts'

export const keys = { ORDERS: signerOf(createKeyPair('account')), OTHER: signerOf(createKeyPair('account')) }
const account = (name: string) => anAccount({ name, id: createKeyPair('account').publicKey })
export const [orders, other, keyless, auth] = ['ORDERS', 'OTHER', 'KEYLESS', 'AUTH'].map(account) as [
  ReturnType<typeof account>,
  ReturnType<typeof account>,
  ReturnType<typeof account>,
  ReturnType<typeof account>,
]
export const device = signerOf(createKeyPair('user'))
export const passwords = new Passwords({ concurrencyMax: 1 })

const policies: readonly Policy[] = [
  aPolicy({ pub: { allow: ['orders.>'] }, sub: { allow: ['_INBOX.>'] } }),
  aPolicy({}, { name: 'office', limits: { sources: ['192.168.0.0/16'] } }),
  aPolicy({}, { name: 'browser', limits: { connectionTypes: ['WEBSOCKET'] } }),
  aPolicy({}, { name: 'daytime', limits: { windows: [{ zone: 'UTC', start: '06:00', end: '09:00' }] } }),
  aPolicy({}, { name: 'night', limits: { windows: [{ zone: 'UTC', start: '20:00', end: '06:00' }] } }),
  aPolicy({ pub: { allow: ['r.{{user.metadata.region}}'] } }, { name: 'regional' }),
  aPolicy({ pub: { allow: ['a..b'] } }, { name: 'broken' }),
  aPolicy({ pub: { allow: Array.from({ length: 65 }, (_, n) => `*.a${n}.>`) } }, { name: 'rows' }),
  aPolicy({ pub: { allow: Array.from({ length: 65 }, (_, n) => `x${n}.*.>`) } }, { name: 'columns' }),
]

const past = new Date((NOW_SECONDS - 1) * 1_000).toISOString()
export const suspended = { ...account('SUSPENDED'), suspension: { reason: 'unpaid', since: past } }
export const over = { ...account('OVER'), expiresAt: past }

const bounded = { ...account('BOUNDED'), boundaryPolicy: 'columns' }
const crowded = { ...account('CROWDED'), limits: { sessionsPerUser: 1 } }

/** Everybody of the table, each with a token of their own. */
const people: Readonly<Record<string, Partial<User>>> = {
  alice: {},
  'bob in another account': { account: other.id },
  'sam of ORDERS': { name: 'sam' },
  'sam of OTHER': { name: 'sam', account: other.id },
  'a guest whose time is over': {},
  'somebody of an account unheard of': { account: createKeyPair('account').publicKey },
  'somebody of the callout account': { account: auth.id },
  'somebody of an account without a key': { account: keyless.id },
  'somebody of a suspended account': { account: suspended.id },
  'somebody of an expired account': { account: over.id },
  'somebody who is locked': { lock: { reason: 'lost laptop', since: past } },
  'somebody whose time is over': { expiresAt: past },
  'somebody whose role is gone': { roles: ['gone'] },
  'somebody whose policy is gone': { policies: ['developer', 'gone'] },
  'somebody for the office only': { policies: ['office'] },
  'somebody for browsers only': { policies: ['browser'] },
  'somebody who works by day': { policies: ['daytime'] },
  'somebody who works at night': { policies: ['night'] },
  'somebody who is connected already': { account: crowded.id },
  'somebody whose connections nobody can count': { account: crowded.id },
  'somebody without a region': { policies: ['regional'] },
  'somebody whose policy crosses the boundary': { account: bounded.id, policies: ['rows'] },
  'somebody whose policy makes no JWT': { policies: ['broken'] },
}
export const tokens = Object.fromEntries(Object.keys(people).map((who) => [who, createToken()]))

/** A connection that Bob is in. */
export const bobs = { account: other.id, user: 'bob in another account', name: 'bob', credential: 'T' }

/** Alice's password, who alone has one. */
export const PASSWORD = 'correct horse'

/** What is stored of all of them. */
export async function storedPeople(): Promise<Records> {
  const hash = await passwords.hash(PASSWORD)
  const createdAt = past
  const users = Object.entries(people).map(([who, facts]) =>
    aUser({
      account: orders.id,
      name: who.replaceAll(' ', '-'),
      policies: ['developer'],
      ...facts,
      id: who,
      credentials: [
        aToken(tokens[who]!, who.includes('guest whose time is over') ? { expiresAt: past } : {}),
        ...(who === 'alice'
          ? [
              { id: 'PW', createdAt, kind: 'password', hash } as const,
              { id: 'N', createdAt, kind: 'nkey', publicKey: device.publicKey } as const,
            ]
          : []),
      ],
    }),
  )
  return {
    operator: anOperator(),
    accounts: [orders, other, keyless, suspended, over, crowded, bounded, { ...auth, role: 'callout' }],
    policies,
    users,
  }
}

/** One connection each, as the ledger has it. */
const open = ['somebody who is connected already', 'somebody whose connections nobody can count'].map(
  (user, n) =>
    aSession({ server: 'S', cid: n + 1, account: crowded.id, user, name: user.replaceAll(' ', '-') }),
)

/** The same, as far as the servers answer. */
const liveSessions: LiveSessions = (_, name) =>
  name === 'somebody-who-is-connected-already'
    ? Promise.resolve(new Set(['S.1'] as const))
    : Promise.reject(new GatehouseError('unavailable', 'not every server answered'))

/** A gate at which all of them can knock. Accounts that are not here have no key. */
export function openGateFor(records: Records, options: GateOptions = {}): Promise<Gate> {
  const userSigners = new Map([
    [orders.id, keys.ORDERS],
    [other.id, keys.OTHER],
  ])
  return openGate({ records, passwords, userSigners, liveSessions, open, ...options })
}
