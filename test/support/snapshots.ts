import fc from 'fast-check'
import { nameFault } from '../../src/domain/name.ts'
import { CONNECTION_TYPES } from '../../src/domain/policy.ts'
import type {
  AccountRecord,
  PolicyRecord,
  RoleRecord,
  Snapshot,
  UserRecord,
} from '../../src/admin/snapshot.ts'

/** Any name there may be: letters of any script, punctuation, symbols. */
export const anyName = fc
  .oneof(
    fc.stringMatching(/^[A-Za-z]{1,3}$/),
    fc.stringMatching(/^[a-z.@%~+-]{1,12}$/),
    fc.constantFrom(
      'true',
      'null',
      '12',
      '-x',
      'a.test',
      'b.yaml',
      'con',
      '#x',
      '&a',
      '!b',
      'o:p',
      'é',
      'É',
      '日本',
      '~',
    ),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  )
  .filter((name) => nameFault(name) === undefined)

const subject = fc.stringMatching(/^[a-z]{1,4}(\.[a-z*]{1}){0,2}(\.>)?$/)
const subjects = fc.uniqueArray(subject, { maxLength: 4 })
const entries = fc.uniqueArray(
  fc.oneof(
    subject,
    fc.tuple(subject, subject).map((both) => both.join(' ')),
  ),
  { maxLength: 4 },
)
const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom('', ' x ', '"', "'", 'a: b', '- a', '# c', 'a\nb\n', 'yes', '0x1'),
)
const facts = fc.dictionary(fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/), words, { maxKeys: 3 })
const maybe = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined })
const count = maybe(fc.nat())
const bytes = maybe(
  fc.oneof(
    fc.nat(),
    fc.nat(4096).map((n) => n * 2 ** 20),
  ),
)
const moment = maybe(
  fc
    .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
)
const revision = fc.nat()

const permissions = fc.record({
  publish: fc.record({ allow: subjects, deny: subjects }),
  subscribe: fc.record({ allow: entries, deny: entries }),
  responses: maybe(
    fc.record({ max: fc.integer({ min: 1, max: 1_000_000 }), ttlMs: fc.integer({ min: 1_000, max: 9e8 }) }),
  ),
})
const limits = fc.record({
  lifetimeSeconds: maybe(fc.integer({ min: 1, max: 3_650 * 86_400 })),
  sources: maybe(
    fc.uniqueArray(fc.constantFrom('10.0.0.0/8', 'fd00::/8', '192.168.1.0/24'), { minLength: 1 }),
  ),
  connectionTypes: maybe(fc.constant(CONNECTION_TYPES)),
  windows: maybe(
    fc.constant([
      { zone: 'Europe/Berlin', start: '08:00', end: '18:00:00', days: ['mon', 'tue'] as const },
      { zone: 'UTC', start: '22:00', end: '06:00' },
    ]),
  ),
  sessions: maybe(fc.integer({ min: 1, max: 1_000 })),
  sessionsPerCredential: maybe(fc.integer({ min: 1, max: 1_000 })),
  keepSessions: maybe(fc.constantFrom('oldest', 'newest')),
})

/** As commands would tell it: absent fields are not there. */
const told = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value

/** Any state, in which every name leads somewhere. */
export const anySnapshot: fc.Arbitrary<Snapshot> = fc
  .tuple(
    fc.uniqueArray(anyName, { minLength: 1, maxLength: 3 }),
    fc.uniqueArray(anyName, { minLength: 1, maxLength: 4 }),
    maybe(words),
  )
  .chain(([accountNames, policyNames, description]) => {
    const scopes = ['operator', ...accountNames.map((_, i) => `A${i}`)]
    const shared = fc.constantFrom(...policyNames)
    const some = fc.uniqueArray(shared, { maxLength: 3 })
    const policy = (name: string, scope: string): fc.Arbitrary<PolicyRecord> =>
      fc.record({
        id: fc.constant(`P ${scope} ${name}`),
        name: fc.constant(name),
        scope: fc.constant(scope),
        description: maybe(words),
        permissions,
        limits,
        delegable: fc.boolean(),
        revision,
      })
    const role = (name: string, scope: string): fc.Arbitrary<RoleRecord> =>
      fc.record({
        id: fc.constant(`R ${scope} ${name}`),
        name: fc.constant(name),
        scope: fc.constant(scope),
        description: maybe(words),
        policies: some,
        // Of names that come before it only: so none is within itself.
        roles: fc.subarray(policyNames.slice(0, policyNames.indexOf(name))),
        revision,
      })
    const account = (name: string, i: number): fc.Arbitrary<AccountRecord> =>
      fc.record({
        id: fc.constant(`A${i}`),
        name: fc.constant(name),
        role: fc.constant('tenant' as const),
        description: maybe(words),
        limits: fc.record({
          connections: count,
          payloadBytes: fc.nat({ max: 2 ** 31 - 1 }),
          jetstream: maybe(fc.record({ memoryBytes: bytes, diskBytes: bytes, streams: count })),
        }),
        defaultPolicy: maybe(shared),
        boundaryPolicy: maybe(shared),
        metadata: facts,
        expiresAt: moment,
        revision,
      })
    const user = fc.record({
      id: fc.uuid(),
      name: anyName,
      policies: some,
      roles: some,
      metadata: facts,
      expiresAt: moment,
      revision,
    }) as fc.Arbitrary<UserRecord>
    return fc
      .record({
        operator: fc.record({ name: anyName, description: fc.constant(description), revision }),
        accounts: fc.tuple(...accountNames.map(account)),
        policies: fc.tuple(...policyNames.flatMap((name) => scopes.map((scope) => policy(name, scope)))),
        roles: fc.tuple(...policyNames.flatMap((name) => scopes.map((scope) => role(name, scope)))),
        users: fc.tuple(
          ...accountNames.map(() => fc.uniqueArray(user, { maxLength: 3, selector: ({ name }) => name })),
        ),
      })
      .map(({ users, ...rest }) => ({
        ...told(rest),
        users: new Map(accountNames.map((name, i) => [name, told(users[i] ?? [])])),
      }))
  })
