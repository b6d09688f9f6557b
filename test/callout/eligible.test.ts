import { describe, expect, it } from 'vitest'
import { eligible, type Standing } from '../../src/callout/eligible.ts'
import { Denial } from '../../src/callout/reason.ts'
import type { Account } from '../../src/domain/account.ts'
import { CONNECTION_TYPES, type ConnectionType, type Policy } from '../../src/domain/policy.ts'
import type { Role } from '../../src/domain/role.ts'
import type { User } from '../../src/domain/user.ts'
import type { Window } from '../../src/domain/window.ts'
import type { ClientInformation } from '../../src/jwt/claims.ts'
import { directoryOf, type Records } from '../support/records.ts'
import { anAccount, anOperator, aPolicy, aRole, aToken, aUser, NOW_MS } from '../support/requests.ts'

const base = aPolicy({}, { name: 'base' })
const developer = aPolicy({}, { name: 'developer' })
const account = anAccount({ defaultPolicy: 'base' })
const credential = aToken('gh_t')
const user = aUser({ account: account.id, policies: ['developer'], credentials: [credential] })
const records: Records = {
  operator: anOperator(),
  accounts: [account],
  policies: [base, developer],
  users: [user],
}
const client: ClientInformation = { host: '10.1.2.3', kind: 'Client', type: 'nats' }

interface Facts {
  readonly records?: Partial<Records>
  readonly client?: ClientInformation
  readonly expiresAt?: string
  readonly user?: Partial<User>
}

function standing(facts: Facts = {}): Standing | Denial {
  const directory = directoryOf({ ...records, ...facts.records })
  const held = facts.expiresAt === undefined ? credential : { ...credential, expiresAt: facts.expiresAt }
  const holder = { user: { ...user, ...facts.user }, credential: held }
  return eligible(holder, { directory, client: facts.client ?? client, nowMs: NOW_MS })
}
const reasonOf = (facts: Facts): string | undefined => {
  const stands = standing(facts)
  return stands instanceof Denial ? `${stands.reason} ${stands.detail ?? ''}`.trim() : undefined
}
/** It is 08:00:00.5 in UTC, on a Friday. */
const morning: Window = { zone: 'UTC', start: '08:00', end: '08:30' }
const night: Window = { zone: 'UTC', start: '20:00', end: '06:00' }
const iso = (ms: number): string => new Date(ms).toISOString()
const suspension = { reason: 'unpaid', since: iso(0) }
const withAccount = (facts: Partial<Account>): Facts => ({
  records: { accounts: [{ ...account, ...facts }] },
})
const withRole = (facts: Partial<Role>): Facts => ({
  user: { roles: ['clerk'] },
  records: { roles: [aRole(facts)] },
})

describe('a user in good standing', () => {
  it('stands with its account, and the default policy before its own', () => {
    expect(standing()).toEqual({ user, credential, account, policies: [base, developer] })
  })

  it('needs no default policy', () => {
    const bare = anAccount({ id: account.id })
    expect(standing({ records: { accounts: [bare] } })).toMatchObject({ policies: [developer] })
  })

  it('may be one of the admins', () => {
    expect(reasonOf({ records: { accounts: [{ ...account, role: 'admin' }] } })).toBeUndefined()
  })

  it('holds a credential that still proves something', () => {
    expect(reasonOf({ expiresAt: iso(NOW_MS + 1) })).toBeUndefined()
  })
})

describe('a user is refused', () => {
  it.each<[what: string, facts: Facts, reason: string]>([
    ['without an operator', { records: { operator: undefined } }, 'operator_missing'],
    ['at the end of its credential', { expiresAt: iso(NOW_MS) }, 'credential_expired token-1'],
    ['after the end of its credential', { expiresAt: iso(0) }, 'credential_expired token-1'],
    ['when the end of its credential is no time', { expiresAt: 'soon' }, 'credential_expired token-1'],
    ['without its account', { records: { accounts: [] } }, `account_missing ${account.id}`],
    [
      'in the system account',
      { records: { accounts: [{ ...account, role: 'system' }] } },
      'account_reserved ORDERS',
    ],
    [
      'in the callout account',
      { records: { accounts: [{ ...account, role: 'callout' }] } },
      'account_reserved ORDERS',
    ],
    ['without one of its policies', { records: { policies: [base] } }, 'policy_missing developer'],
    ['without the default policy', { records: { policies: [developer] } }, 'policy_missing base'],
    ['who is locked', { user: { lock: { reason: 'x', since: iso(0) } } }, 'user_locked alice'],
    ['whose time is over', { user: { expiresAt: iso(NOW_MS) } }, 'user_expired alice'],
    ['whose time is no time', { user: { expiresAt: 'soon' } }, 'user_expired alice'],
    ['while its account is suspended', withAccount({ suspension }), 'account_suspended ORDERS'],
    ['when its account has ended', withAccount({ expiresAt: iso(NOW_MS) }), 'account_expired ORDERS'],
    ['whose role is gone', { user: { roles: ['clerk'] } }, 'role_missing clerk'],
    ["with another account's role", withRole({ scope: 'AOTHER' }), 'role_missing clerk'],
    ['whose role lost a policy', withRole({ policies: ['gone'] }), 'policy_missing gone'],
    ['without the boundary', withAccount({ boundaryPolicy: 'gone' }), 'policy_missing gone'],
    [
      "with another account's policy as boundary",
      {
        records: {
          accounts: [{ ...account, boundaryPolicy: 'theirs' }],
          policies: [base, developer, aPolicy({}, { name: 'theirs', scope: 'AOTHER' })],
        },
      },
      'policy_missing theirs',
    ],
  ])('%s', (_, facts, reason) => {
    expect(reasonOf(facts)).toBe(reason)
  })
})

describe('a role', () => {
  it('gives its policies, each once', () => {
    const extra = aPolicy({}, { name: 'extra' })
    const stands = standing({
      user: { roles: ['clerk', 'own'] },
      records: {
        policies: [base, developer, extra],
        roles: [
          aRole({ policies: ['developer', 'extra'] }),
          aRole({ name: 'own', scope: account.id, policies: ['extra', 'base'] }),
        ],
      },
    })
    expect(stands).toMatchObject({ policies: [base, developer, extra] })
  })
})

describe('a boundary', () => {
  const within = (limits: Policy['limits']): Facts => {
    const boundary = aPolicy({}, { name: 'boundary', limits })
    return {
      records: {
        accounts: [{ ...account, boundaryPolicy: 'boundary' }],
        policies: [base, developer, boundary],
      },
    }
  }

  it('stands beside the policies, and gives nothing', () => {
    const facts = within({})
    expect(standing(facts)).toMatchObject({ policies: [base, developer], boundary: { name: 'boundary' } })
  })

  it('has its say about source, kind of connection and time', () => {
    expect(reasonOf(within({ windows: [night] }))).toBe('outside_window boundary')
    expect(reasonOf(within({ windows: [morning] }))).toBeUndefined()
    expect(reasonOf(within({ sources: ['11.0.0.0/8'] }))).toBe('source_not_allowed boundary')
    expect(reasonOf(within({ connectionTypes: ['MQTT'] }))).toBe('connection_type_not_allowed boundary')
    expect(reasonOf(within({ sources: ['10.0.0.0/8'] }))).toBeUndefined()
  })
})

function limited(limits: Policy['limits'], of = 'developer'): Partial<Records> {
  return {
    policies: [base, developer].map((policy) => (policy.name === of ? { ...policy, limits } : policy)),
  }
}

describe('a source', () => {
  const admits = (sources: string[], host: string | undefined): boolean => {
    const { host: _, ...rest } = client
    const from = host === undefined ? rest : { ...rest, host }
    return reasonOf({ records: limited({ sources }), client: from }) === undefined
  }

  it.each([
    [['10.0.0.0/8'], '10.1.2.3'],
    [['10.1.2.3/32'], '10.1.2.3'],
    [['192.168.0.0/16', '10.0.0.0/8'], '10.1.2.3'],
    [['0.0.0.0/0'], '203.0.113.9'],
    [['10.128.0.0/9'], '10.200.0.1'],
    [['10.0.0.0/8'], '::ffff:10.1.2.3'],
    [['10.0.0.0/8'], '::FFFF:0a01:0203'],
    [['10.0.0.0/8'], '0:0:0:0:0:ffff:a01:203'],
    [['::ffff:10.0.0.0/104'], '10.1.2.3'],
    [['::ffff:10.0.0.0/104'], '::ffff:10.1.2.3'],
    [['0.0.0.0/0'], '::ffff:203.0.113.9'],
    [['fd00::/8'], 'fd12:3456::1'],
    [['2001:db8::/33'], '2001:db8:7fff::1'],
    [['::1/128'], '0:0:0:0:0:0:0:1'],
    [['::/0'], '2001:db8::1'],
    [['fe80::/10'], 'fe80::1%eth0'],
    [['fe80::/10'], 'fe80::1%no-such-link'],
  ])('%j admits %s', (sources, host) => {
    expect(admits(sources, host)).toBe(true)
  })

  it.each([
    [['10.0.0.0/8'], '11.1.2.3'],
    [['10.1.2.3/32'], '10.1.2.4'],
    [['10.128.0.0/9'], '10.127.255.255'],
    [['10.0.0.0/8'], '::ffff:11.1.2.3'],
    [['10.0.0.0/8'], '::10.1.2.3'],
    [['::ffff:10.0.0.0/104'], '11.1.2.3'],
    [['0.0.0.0/0'], '::1'],
    [['::/0'], '10.1.2.3'],
    [['::/0'], '::ffff:10.1.2.3'],
    [['::ffff:0:0/80'], '10.1.2.3'],
    [['2001:db8::/33'], '2001:db8:8000::1'],
    [['fd00::/8'], 'fc00::1'],
    [['10.0.0.0/8'], undefined],
    [['0.0.0.0/0', '::/0'], ''],
    [['0.0.0.0/0', '::/0'], 'localhost'],
    [['0.0.0.0/0', '::/0'], '010.1.2.3'],
    [['0.0.0.0/0', '::/0'], '10.1.2.3, 10.0.0.1'],
  ])('%j does not admit %s', (sources, host) => {
    expect(admits(sources, host)).toBe(false)
  })

  it('is asked of every policy, and the one that refuses is named', () => {
    const records_ = limited({ sources: ['192.168.0.0/16'] }, 'base')
    expect(reasonOf({ records: records_ })).toBe('source_not_allowed base')
  })

  it('changes with the policy', () => {
    const [narrow, wide] = [['11.0.0.0/8'], ['10.0.0.0/8']].map((sources) => limited({ sources }))
    expect(reasonOf({ records: narrow! })).toBe('source_not_allowed developer')
    expect(reasonOf({ records: wide! })).toBeUndefined()
    expect(reasonOf({ records: narrow! })).toBe('source_not_allowed developer')
  })
})

describe('a window', () => {
  it('is asked for of every policy, and the one that is closed is named', () => {
    expect(reasonOf({ records: limited({ windows: [night, morning] }) })).toBeUndefined()
    expect(reasonOf({ records: limited({ windows: [night] }) })).toBe('outside_window developer')
    expect(reasonOf({ records: limited({ windows: [night] }, 'base') })).toBe('outside_window base')
  })

  it('is of the clock of its zone, on its days', () => {
    const fridays: Window = { zone: 'Asia/Kolkata', start: '13:30', end: '13:31', days: ['fri'] }
    expect(reasonOf({ records: limited({ windows: [fridays] }) })).toBeUndefined()
    expect(reasonOf({ records: limited({ windows: [{ ...fridays, days: ['thu', 'sat'] }] }) })).toBe(
      'outside_window developer',
    )
  })
})

describe('a connection', () => {
  const through = (connectionTypes: readonly ConnectionType[], as: ClientInformation): string | undefined =>
    reasonOf({ records: limited({ connectionTypes }), client: { host: '10.1.2.3', ...as } })

  // A request does not tell what carries MQTT or a leaf node; documents and commands name both kinds or neither.
  const kinds: [as: ClientInformation, type: ConnectionType][] = [
    [{ kind: 'Client', type: 'nats' }, 'STANDARD'],
    [{ kind: 'Client', type: 'websocket' }, 'WEBSOCKET'],
    [{ kind: 'Client', type: 'mqtt', mqtt_id: 'dev1' }, 'MQTT'],
    [{ kind: 'Client', type: 'mqtt' }, 'MQTT'],
    [{ kind: 'Leafnode' }, 'LEAFNODE'],
    [{ kind: 'Leafnode', type: 'nats' }, 'LEAFNODE'],
  ]

  it.each(kinds)('%j is of type %s and no other', (as, type) => {
    expect(through([type], as)).toBeUndefined()
    expect(through(CONNECTION_TYPES, as)).toBeUndefined()
    const others = CONNECTION_TYPES.filter((each) => each !== type)
    expect(through(others, as)).toBe('connection_type_not_allowed developer')
  })

  it('of a kind nobody knows is of no type', () => {
    expect(through(CONNECTION_TYPES, { kind: 'Client', type: 'carrier pigeon' })).toMatch(/^connection_type/)
    expect(through(CONNECTION_TYPES, {})).toMatch(/^connection_type/)
  })

  it('of any kind is admitted where no policy minds', () => {
    expect(reasonOf({ client: {} })).toBeUndefined()
  })
})
