import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { differences } from '../../src/admin/difference.ts'
import type { Written } from '../../src/admin/written.ts'

const leaf = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.boolean(),
  fc.array(fc.string({ maxLength: 2 }), { minLength: 1 }),
)
const key = fc.constantFrom('a', 'b', 'c', 'jetstream')
const written: fc.Arbitrary<Written> = fc.dictionary(key, fc.oneof(leaf, fc.dictionary(key, leaf)))

/** The fields set as they are told, by path. */
function patched(before: Written, after: Written): Written {
  const result = structuredClone(before) as Record<string, unknown>
  for (const { field, ...change } of differences(before, after)) {
    const path = field.split('.')
    const last = path.pop() ?? ''
    const parent = path.reduce<Record<string, unknown>>(
      (at, step) => (at[step] ??= {}) as Record<string, unknown>,
      result,
    )
    if ('new' in change) parent[last] = change.new
    else Reflect.deleteProperty(parent, last)
  }
  return result
}

describe('the differences of two records', () => {
  it('are none with itself, whatever the order of its lists', () => {
    fc.assert(
      fc.property(written, (record) => {
        const turned = JSON.parse(JSON.stringify(record), (_, value: unknown) =>
          Array.isArray(value) ? [...(value as unknown[]), ...(value as unknown[])].reverse() : value,
        ) as Written
        expect(differences(record, turned)).toEqual([])
      }),
    )
  })

  it('lead from the one to the other, and back', () => {
    fc.assert(
      fc.property(written, written, (one, other) => {
        expect(differences(patched(one, other), other).filter((each) => 'new' in each)).toEqual([])
        const there = differences(one, other).map(({ field, old, new: now }) => ({
          field,
          old: now,
          new: old,
        }))
        const back = differences(other, one).map(({ field, old, new: now }) => ({ field, old, new: now }))
        const sorted = (all: typeof back) => all.toSorted((a, b) => (a.field < b.field ? -1 : 1))
        const plain = ({ field }: { readonly field: string }): boolean => !field.startsWith('jetstream')
        expect(sorted(back.filter(plain))).toEqual(sorted(there.filter(plain)))
      }),
    )
  })

  it.each<[string, Written, Written, unknown]>([
    ['a field that comes', {}, { a: 1 }, [{ field: 'a', new: 1 }]],
    ['a field that goes', { a: 1 }, {}, [{ field: 'a', old: 1 }]],
    ['a field below', { l: { a: 1, b: 2 } }, { l: { a: 1, b: 3 } }, [{ field: 'l.b', old: 2, new: 3 }]],
    ['JetStream without limits', {}, { limits: { jetstream: {} } }, [{ field: 'limits.jetstream', new: {} }]],
    [
      'JetStream that goes',
      { limits: { jetstream: { disk: '1GiB' } } },
      { limits: {} },
      [{ field: 'limits.jetstream', old: { disk: '1GiB' } }],
    ],
    [
      'none for it is not base',
      { defaultPolicy: 'base' },
      { defaultPolicy: null },
      [{ field: 'defaultPolicy', old: 'base', new: null }],
    ],
    [
      'a moment said otherwise',
      { expiresAt: '2099-01-31T12:00:00Z' },
      { expiresAt: '2099-01-31T13:00:00.000+01:00' },
      [],
    ],
  ])('of %s', (_, before, after, expected) => {
    expect(differences(before, after)).toEqual(expected)
  })
})
