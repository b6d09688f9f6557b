import fc from 'fast-check'
import { expect, it } from 'vitest'
import { carrying } from '../../src/admin/holds.ts'
import type { Hold, Write } from '../../src/admin/state-store.ts'
import { policyKey, roleKey, useKey, usedKey } from '../../src/domain/state-keys.ts'

const keys = [
  'user.A.1',
  'index.username.bmFtZQ.A',
  'event.A.user.created.01',
  useKey('policy', 'p', 'role.r'),
]
const writes = fc.array(
  fc.record({ key: fc.constantFrom(...keys), value: fc.anything(), expected: fc.nat() }),
  { maxLength: 12 },
)
const holds = fc.array(fc.record({ filter: fc.constantFrom('user.A.*', 'policy.p'), revision: fc.nat() }), {
  maxLength: 12,
})
const asked = (all: readonly Write[]): readonly Hold[] =>
  all.flatMap(({ expected }) => (typeof expected === 'object' ? [expected] : []))

it('asks for every hold once, and leaves every write where it was', () => {
  fc.assert(
    fc.property(writes, holds, (writes, holds) => {
      const all = carrying(writes, holds)
      expect(asked(all)).toEqual(holds)
      expect(all.slice(0, writes.length).map(({ key, value }) => ({ key, value }))).toEqual(
        writes.map(({ key, value }) => ({ key, value })),
      )
      const markers = all.slice(writes.length)
      expect(new Set(markers.map(({ key }) => key)).size).toBe(markers.length)
      expect(markers.every(({ key, value }) => key.startsWith('hold.') && value === undefined)).toBe(true)
    }),
  )
})

it('never takes from an aggregate, or a name, what it asks for itself', () => {
  fc.assert(
    fc.property(writes, holds, (writes, holds) => {
      const all = carrying(writes, holds)
      for (const [at, { key, expected }] of writes.entries())
        if (key === keys[0] || key === keys[1]) expect(all[at]?.expected).toBe(expected)
    }),
  )
})

it('knows what the index of uses leads to', () => {
  expect(usedKey(useKey('policy', 'p1', 'user.A.u'))).toBe(policyKey('p1'))
  expect(usedKey(useKey('role', 'r1', 'user.A.u'))).toBe(roleKey('r1'))
  for (const key of ['policy.p1', 'index.policy-name.operator.bmFtZQ', 'event.A.x.y.01'])
    expect(usedKey(key)).toBe(undefined)
})
