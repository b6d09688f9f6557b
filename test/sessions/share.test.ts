import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ownerOf } from '../../src/sessions/share.ts'

const replicas = fc.uniqueArray(fc.uuid(), { minLength: 2, maxLength: 6 })

describe('sharing sessions among replicas', () => {
  it('comes to one owner, whatever the order of the replicas', () => {
    fc.assert(
      fc.property(replicas, fc.string(), (ids, key) => {
        expect(ids).toContain(ownerOf(key, ids))
        expect(ownerOf(key, [...ids].reverse())).toBe(ownerOf(key, ids))
      }),
    )
  })

  it('moves only what was of the one that went', () => {
    fc.assert(
      fc.property(replicas, fc.string(), ([gone = '', ...left], key) => {
        const before = ownerOf(key, [gone, ...left])
        expect(before === gone || ownerOf(key, left) === before).toBe(true)
      }),
    )
  })

  it('gives each of three about a third', () => {
    const counts = new Map<string, number>()
    for (let cid = 0; cid < 9_000; cid += 1) {
      const owner = ownerOf(`NABC.${cid}`, ['01A', '01B', '01C'])
      counts.set(owner, (counts.get(owner) ?? 0) + 1)
    }
    expect([...counts.values()].every((n) => n > 2_600 && n < 3_400)).toBe(true)
  })
})
