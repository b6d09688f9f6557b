import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createToken, hashToken, isToken, sameHash } from '../../src/keys/token.ts'

it('makes tokens of 256 bits that are recognised and never the same', () => {
  const tokens = Array.from({ length: 100 }, () => createToken())
  expect(new Set(tokens).size).toBe(100)
  expect(tokens.every((token) => /^gh_[\w-]{43}$/.test(token) && isToken(token))).toBe(true)
  expect(createToken((size) => new Uint8Array(size))).toBe(`gh_${'A'.repeat(43)}`)
})

it.each([
  '',
  'gh_',
  `gh_${'A'.repeat(42)}`,
  `gh_${'A'.repeat(44)}`,
  `gx_${'A'.repeat(43)}`,
  `gh_${'A'.repeat(43)}\n`,
])('takes no text like "%s" for a token', (text) => {
  expect(isToken(text)).toBe(false)
})

it('hashes any text with SHA-256 in hex', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(hashToken(text)).toBe(createHash('sha256').update(text).digest('hex'))
    }),
  )
})

it('compares hashes, whatever their length', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(sameHash(a, a)).toBe(true)
      expect(sameHash(a, b)).toBe(a === b)
    }),
  )
})
