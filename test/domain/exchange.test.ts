import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  EVERYONE,
  exportOf,
  isRevoked,
  issuableFrom,
  revoke,
  revokedOf,
  type AccountExport,
  type Revocation,
  type RevokedActivations,
} from '../../src/domain/exchange.ts'

const subjects = fc.constantFrom('a.b', 'a.*', 'a.>', 'b.>', '*.b')
const types = fc.constantFrom('stream' as const, 'service' as const)
const importers = fc.constantFrom('A1', 'A2', EVERYONE)
const revocations: fc.Arbitrary<Revocation> = fc.record({
  exportType: types,
  subject: subjects,
  importer: importers,
  until: fc.integer({ min: 0, max: 20 }),
})
const revoking = (all: readonly Revocation[]) =>
  all.reduce<RevokedActivations>((revoked, one) => revoke(revoked, one), {})
const given = (type: 'stream' | 'service', subject: string): AccountExport => ({
  type,
  subject,
  access: 'private',
})

describe('a revocation', () => {
  it('holds for what was issued up to its second, and is never undone by another', () => {
    fc.assert(
      fc.property(
        fc.array(revocations, { maxLength: 12 }),
        fc.integer({ min: 0, max: 21 }),
        (all, issuedAt) => {
          const revoked = revoking(all)
          for (const { exportType, subject } of all) {
            for (const importer of ['A1', 'A2', 'A3']) {
              const isHit = all.some(
                (one) =>
                  one.exportType === exportType &&
                  one.subject === subject &&
                  [importer, EVERYONE].includes(one.importer) &&
                  issuedAt <= one.until,
              )
              const found = revokedOf(given(exportType, subject), revoked)
              if (isHit) expect(isRevoked(found, { importer, issuedAt })).toBe(true)
            }
          }
        },
      ),
    )
  })

  it('hits nobody else, and nothing of the other type', () => {
    const revoked = revoking([{ exportType: 'stream', subject: 'a.>', importer: 'A1', until: 5 }])
    const asked = (type: 'stream' | 'service', subject: string, importer: string, issuedAt = 5) =>
      isRevoked(revokedOf(given(type, subject), revoked), { importer, issuedAt })
    expect(asked('stream', 'a.>', 'A1')).toBe(true)
    expect(asked('stream', 'a.b', 'A1')).toBe(true)
    expect(asked('stream', '>', 'A1')).toBe(true)
    expect(asked('stream', 'a.>', 'A1', 6)).toBe(false)
    expect(asked('stream', 'a.>', 'A2')).toBe(false)
    expect(asked('service', 'a.>', 'A1')).toBe(false)
    expect(asked('stream', 'b.>', 'A1')).toBe(false)
  })

  it('of everyone takes the place of those before it', () => {
    const before = [1, 2, 9].map((until, i) => ({
      exportType: 'stream' as const,
      subject: 'a',
      importer: `A${i}`,
      until,
    }))
    const all = revoke(revoking(before), { exportType: 'stream', subject: 'a', importer: EVERYONE, until: 5 })
    expect(all).toEqual({ 'stream a': { A2: 9, [EVERYONE]: 5 } })
  })
})

it('what is issued when it may be issued again is not revoked, and what is issued a second sooner is', () => {
  fc.assert(
    fc.property(fc.array(revocations, { maxLength: 12 }), types, subjects, (all, type, subject) => {
      const found = revokedOf(given(type, subject), revoking(all))
      for (const importer of ['A1', 'A2', 'A3']) {
        const issuedAt = issuableFrom(found, importer)
        expect(isRevoked(found, { importer, issuedAt })).toBe(false)
        if (issuedAt > 0) expect(isRevoked(found, { importer, issuedAt: issuedAt - 1 })).toBe(true)
        expect(issuableFrom(found, EVERYONE)).toBeGreaterThanOrEqual(issuedAt)
      }
    }),
  )
})

it('an import is of the export of its type that covers it', () => {
  const exports = [given('stream', 'a.>'), given('service', 'a.*')]
  expect(exportOf(exports, { type: 'service', subject: 'a.b' })).toBe(exports[1])
  expect(exportOf(exports, { type: 'stream', subject: 'a.b.c' })).toBe(exports[0])
  expect(exportOf(exports, { type: 'service', subject: 'a.>' })).toBeUndefined()
  expect(exportOf(undefined, { type: 'service', subject: 'a' })).toBeUndefined()
})
