import { describe, expect, it } from 'vitest'
import { check } from '../../src/admin/faults.ts'
import { accountLimits } from '../../src/admin/fields.ts'

function told(limits: object): readonly string[] | object {
  const checked = check(accountLimits, limits)
  return checked.ok ? checked.value : checked.faults.map(({ where, rule }) => `${where} ${rule}`)
}

const RULE = 'must be a number of bytes or a size such as 64KiB, 512MiB or 1GiB'
const SAFE = 'must be at most 9007199254740991 bytes'
const SMALL = 'must be at most 2147483647 bytes'

describe('a size', () => {
  it.each([
    ['9999999TiB', SAFE],
    ['8192TiB', SAFE],
    [`${'9'.repeat(400)}B`, SAFE],
    [2 ** 53, SAFE],
    [1e300, SAFE],
    [-1, RULE],
    [1.5, RULE],
    ['1.5GiB', RULE],
    ['-1B', RULE],
    ['x', RULE],
    [true, RULE],
  ])('of %j is refused, wherever it is', (value, rule) => {
    expect(told({ jetstream: { disk: value } })).toEqual([`jetstream.disk ${rule}`])
    expect(told({ jetstream: { memory: value } })).toEqual([`jetstream.memory ${rule}`])
    expect(told({ jetstream: { tiers: { R3: { memoryStream: value } } } })).toEqual([
      `jetstream.tiers.R3.memoryStream ${rule}`,
    ])
  })

  it.each([2 ** 31, '2GiB', '9999999TiB'])('of a message of %j is more than servers count', (payload) => {
    expect(told({ payload })).toEqual([`payload ${SMALL}`])
  })

  it('is taken up to the bound', () => {
    expect(told({ payload: 2 ** 31 - 1, jetstream: { disk: '8191TiB', memory: 2 ** 53 - 1 } })).toMatchObject(
      {
        payloadBytes: 2 ** 31 - 1,
        jetstream: { diskBytes: 8191 * 2 ** 40, memoryBytes: 2 ** 53 - 1 },
      },
    )
  })
})

describe('a number', () => {
  it.each(['connections', 'leafNodes', 'subscriptions'])('of %s fits where servers keep it', (field) => {
    expect(told({ [field]: 2 ** 32 })).toEqual([`${field} must be at most 2147483647`])
    expect(told({ [field]: 2 ** 31 - 1 })).toMatchObject({ [field]: 2 ** 31 - 1 })
  })
})
