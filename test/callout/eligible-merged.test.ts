import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eligible } from '../../src/callout/eligible.ts'
import { Denial } from '../../src/callout/reason.ts'
import { mergeLimits } from '../../src/domain/limits.ts'
import type { PolicyLimits } from '../../src/domain/policy.ts'
import { directoryOf } from '../support/records.ts'
import { anAccount, anOperator, aPolicy, aToken, aUser, NOW_MS } from '../support/requests.ts'

const account = anAccount({})
const network = fc.constantFrom(
  ...['10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24', '10.1.2.3/32', '11.0.0.0/8', '0.0.0.0/0', '::/0'],
  ...['fd00::/8', 'fd00::1/128', '::ffff:10.1.0.0/112', '::ffff:0:0/96', '::ffff:0:0/80', '::fffe:0:0/95'],
)
const sources = fc.array(network, { minLength: 1, maxLength: 4 })
const host = fc.constantFrom(
  '10.1.2.3',
  '10.1.9.9',
  '11.0.0.1',
  '::ffff:10.1.2.3',
  'fd00::1',
  'fd00::2',
  '::1',
)

function isAdmitted(all: readonly PolicyLimits[], from: string): boolean {
  const policies = all.map((limits, n) => aPolicy({}, { name: `p${n}`, limits }))
  const user = aUser({ account: account.id, policies: policies.map(({ id }) => id) })
  const directory = directoryOf({ operator: anOperator(), accounts: [account], policies, users: [user] })
  const client = { host: from, kind: 'Client', type: 'nats' }
  const outcome = eligible({ user, credential: aToken('gh_t') }, { directory, client, nowMs: NOW_MS })
  if (outcome instanceof Denial) expect(outcome.reason).toBe('source_not_allowed')
  return !(outcome instanceof Denial)
}

describe('the door', () => {
  it('admits by the sources of several policies whom it admits by what they come to', () => {
    const found = new Set<boolean>()
    fc.assert(
      fc.property(fc.array(sources, { minLength: 1, maxLength: 3 }), host, (lists, from) => {
        const all = lists.map((sources) => ({ sources }))
        const expected = isAdmitted(all, from)
        found.add(expected)
        expect(isAdmitted([{ sources: mergeLimits(all).sources }], from)).toBe(expected)
      }),
      { numRuns: 2_000 },
    )
    expect(found).toEqual(new Set([true, false]))
  })
})
