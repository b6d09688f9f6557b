import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMasterKey, parseMasterKey, readMasterKey } from '../../src/keys/master-key.ts'
import { refusal } from './oracle.ts'

let directory: string
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'gatehouse-keys-'))))
afterEach(() => rmSync(directory, { recursive: true }))

describe('the text of a master key', () => {
  it('may be base64, base64url or hex, with white space around it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (raw) => {
        const bytes = Buffer.from(raw)
        const base64 = bytes.toString('base64')
        const texts = [base64, base64.replace('=', ''), bytes.toString('base64url'), bytes.toString('hex')]
        for (const text of [...texts, bytes.toString('hex').toUpperCase()]) {
          expect(Buffer.from(parseMasterKey(` ${text}\n`))).toEqual(bytes)
        }
      }),
    )
  })

  it('is refused otherwise, without its value', () => {
    const sizes = [0, 16, 31, 33, 64].flatMap((size) =>
      (['hex', 'base64', 'base64url'] as const).map((encoding) =>
        Buffer.alloc(size, 0xfb).toString(encoding),
      ),
    )
    const valid = Buffer.alloc(32, 0xfb).toString('base64url')
    for (const text of [
      ...sizes,
      'correct horse battery staple',
      `${valid}!`,
      `${valid.slice(0, 20)} ${valid.slice(20)}`,
    ]) {
      const { message } = refusal(() => parseMasterKey(text), 'invalid_configuration')
      expect(message).toBe('The master key must be 32 bytes in base64, base64url or hex')
    }
  })
})

describe('the file of a master key', () => {
  it('is made for its owner alone, and read again', () => {
    const path = join(directory, 'master.key')
    const made = createMasterKey(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readMasterKey(path)).toEqual(made)
    expect(made).not.toEqual(createMasterKey(join(directory, 'another.key')))
  })

  it('is never overwritten', () => {
    const path = join(directory, 'master.key')
    writeFileSync(path, 'precious', { mode: 0o600 })
    refusal(() => createMasterKey(path), 'already_exists')
    expect(readFileSync(path, 'utf8')).toBe('precious')
    refusal(() => createMasterKey(join(directory, 'no', 'master.key')), 'invalid_configuration')
  })

  it.each([0o640, 0o604, 0o620, 0o644])('is refused with mode %o, and says what to do', (mode) => {
    const path = join(directory, 'master.key')
    createMasterKey(path)
    chmodSync(path, mode)
    expect(refusal(() => readMasterKey(path), 'invalid_configuration').message).toContain('chmod 600')
  })

  it('is refused when it is missing or holds something else, without what it holds', () => {
    const path = join(directory, 'master.key')
    expect(refusal(() => readMasterKey(path), 'invalid_configuration').message).toContain(path)
    writeFileSync(path, 'not a key', { mode: 0o600 })
    expect(refusal(() => readMasterKey(path), 'invalid_configuration').message).not.toContain('not a key')
  })
})
