import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { confirmed } from '../../src/cli/confirm.ts'

const terminal = { isTTY: true, hasColors: false, write: () => undefined }

function typing(text: string, isTTY = true) {
  return Object.assign(new PassThrough().end(text), { isTTY })
}

describe('an agreement', () => {
  it.each([
    ['yes\n', true],
    [' yes \n', true],
    ['y\n', false],
    ['YES\n', false],
    ['\n', false],
    ['no\nyes\n', false],
    ['', false],
  ])('of %j is %s', async (typed, expected) => {
    expect(await confirmed('Sure?', { input: typing(typed), err: terminal })).toBe(expected)
  })

  it('is nobody’s where there is no terminal', async () => {
    expect(await confirmed('Sure?', { input: typing('yes\n', false), err: terminal })).toBeUndefined()
    const err = { ...terminal, isTTY: false }
    expect(await confirmed('Sure?', { input: typing('yes\n'), err })).toBeUndefined()
  })
})
