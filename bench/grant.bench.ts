import { bench, describe } from 'vitest'
import { compile } from '../src/callout/compile.ts'
import type { Account } from '../src/domain/account.ts'
import { compileGrant } from '../src/domain/grant.ts'
import type { Policy } from '../src/domain/policy.ts'
import type { User } from '../src/domain/user.ts'

// Question: what does a grant cost, when it is found and when it is made? The floor is the lists put together and
// nothing else. Run with `npm run bench`.

const POLICIES = 20
const ENTRIES = 50

const at = '2026-01-01T00:00:00Z'
const account: Account = {
  status: 'present',
  id: 'AORDERS',
  name: 'ORDERS',
  role: 'tenant',
  signingKeys: [],
  limits: {},
  metadata: {},
  createdAt: at,
}
const user: User = {
  status: 'present',
  id: '01U',
  account: account.id,
  name: 'alice',
  policies: [],
  roles: [],
  credentials: [],
  metadata: { region: 'eu' },
  createdAt: at,
}

/** Of fifty entries: 20 publish, 8 of them open and 4 templates; 5 publish denies; 20 subscribe, 2 in a queue; 5 denies. */
function policy(n: number): Policy {
  const team = `team-${n % 7}`
  const list = (length: number, entry: (i: number) => string) => Array.from({ length }, (_, i) => entry(i))
  const publish = {
    allow: [
      ...list(8, (i) => `orders.${team}.item-${i}.created`),
      ...list(4, (i) => `orders.${team}.kind-${n}-${i}.>`),
      ...list(4, (i) => `stock.*.shelf-${n}-${i}.*`),
      ...list(4, (i) => `users.{{user.id}}.box-${n}.${i}`),
    ],
    deny: list(5, (i) => `orders.${team}.item-${i}.deleted.${n}`),
  }
  const subscribe = {
    allow: [
      ...list(10, (i) => `events.${team}.item-${n}-${i}`),
      ...list(4, (i) => `events.*.kind-${n}-${i}.>`),
      ...list(2, (i) => `jobs.${n}.${i} workers`),
      ...list(4, (i) => `r.{{user.metadata.region}}.${n}.${i}.*`),
    ],
    deny: list(5, (i) => `events.secret-${n}.${i}.>`),
  }
  return {
    status: 'present',
    id: `policy-${n}`,
    name: `policy-${n}`,
    scope: 'operator',
    version: 1,
    permissions: { publish, subscribe },
    limits: {},
    delegable: false,
    createdAt: at,
  }
}

const policies = Array.from({ length: POLICIES }, (_, n) => policy(n))
const written = policies.reduce((sum, { permissions: { publish, subscribe } }) => {
  return sum + [publish.allow, publish.deny, subscribe.allow, subscribe.deny].flat().length
}, 0)
if (written !== POLICIES * ENTRIES) throw new Error(`${written} entries`)

/** As they come from the store: nobody has read them yet. */
function unread(): Policy[] {
  return policies.map((each) => ({ ...each, permissions: { ...each.permissions } }))
}

describe(`a grant of ${POLICIES} policies with ${ENTRIES} entries each`, () => {
  bench('found', () => {
    compile({ user, account, policies, boundary: undefined })
  })

  bench('made for one more user', () => {
    compileGrant(user, account, { policies })
  })

  bench('made of policies that nobody has read yet', () => {
    compileGrant(user, account, { policies: unread() })
  })

  bench('floor: the lists put together', () => {
    const permissions = policies.map((each) => each.permissions)
    for (const side of ['publish', 'subscribe'] as const) {
      permissions.flatMap((each) => each[side].allow)
      permissions.flatMap((each) => each[side].deny)
    }
  })
})
