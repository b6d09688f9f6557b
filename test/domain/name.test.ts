import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NAME_LENGTH_MAX, nameFault } from '../../src/domain/name.ts'
import { usernameKey } from '../../src/domain/state-keys.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'

describe('a name', () => {
  it.each([
    'alice',
    'alice@example.com',
    'service-a',
    'ÅSA',
    '用户',
    '1',
    'x'.repeat(NAME_LENGTH_MAX),
    '$SYS',
    'ren\u00e9',
    'हिन्दी',
    'q\u0323', // No composed form: this is NFC.
    '☎',
  ])('may be "%s"', (name) => {
    expect(nameFault(name)).toBeUndefined()
  })

  it.each([
    ['', /empty/],
    ['x'.repeat(NAME_LENGTH_MAX + 1), /at most/],
    ['a b', /spaces/],
    ['a\tb', /control/],
    ['a\nb', /control/],
    ['a\u0000b', /control/],
    ['a\u00a0b', /spaces/],
    ['a\u200bb', /control/],
    ['\u202eecila', /control/],
    ['a\ud800', /control/],
    ['ren\u0065\u0301', /NFC/],
    ['\u212bsa', /NFC/], // The Ångström sign looks like the letter.
    ['\u0301a', /begin with a mark/],
    ['a\u3164', /not seen/],
    ['☎\ufe0f', /not seen/],
    ['a\u034fb', /not seen/],
    ['a*', /"\*"/],
    ['a.>', /">"/],
    ['ORDERS/alice', /"\/"/],
    ['..\\alice', /"\\"/],
    ['.hidden', /begin/],
    ['..', /begin/],
  ])('may not be %j', (name, rule) => {
    expect(nameFault(name)).toMatch(rule)
  })

  it.each(['operator', 'account', 'user', 'server', 'cluster', 'curve'] as const)(
    'may not be the public key of a key of kind %s',
    (kind) => {
      expect(nameFault(createKeyPair(kind).publicKey)).toMatch(/nkey/)
    },
  )

  it('that looks like another one is the same', () => {
    const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(names, (name) => {
        const composed = name.normalize('NFC')
        if (composed !== name) expect(nameFault(name)).toBeDefined()
        expect(nameFault(composed.normalize('NFD').normalize('NFC'))).toBe(nameFault(composed))
      }),
    )
  })

  it('is always one token of a key in the bucket, and no two names are the same one', () => {
    const names = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((name) => !nameFault(name))
    fc.assert(
      fc.property(names, names, (one, other) => {
        expect(usernameKey(one, 'A')).toMatch(/^index\.username\.[\w-]+\.A$/)
        expect(usernameKey(one, 'A') === usernameKey(other, 'A')).toBe(one === other)
      }),
    )
  })
})
