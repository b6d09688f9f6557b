import { hash, parseOptions } from '@node-rs/argon2'
import { describe, expect, it } from 'vitest'
import { GatehouseError } from '../../src/errors.ts'
import { isPasswordHash, Passwords } from '../../src/keys/password.ts'

const passwords = new Passwords({ concurrencyMax: 4 })

describe('a password', () => {
  it('matches its own hash and no other', async () => {
    const phc = await passwords.hash('correct horse')
    expect(phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(await passwords.verify(phc, 'correct horse')).toBe('match')
    expect(await passwords.verify(phc, 'Correct horse')).toBe('mismatch')
    expect(await passwords.hash('correct horse')).not.toBe(phc)
  })

  it.each(['', 'x'.repeat(1_025), 'é'.repeat(513)])(
    'is refused at a bad length, number %#',
    async (password) => {
      await expect(passwords.hash(password)).rejects.toMatchObject({ code: 'invalid_request' })
      expect(await passwords.verify(await passwords.hash('x'), password)).toBe('mismatch')
      expect(await passwords.verifyAbsent(password)).toBe('mismatch')
    },
  )

  it.each(['x', 'x'.repeat(1_024), 'é'.repeat(512)])(
    'is taken up to both bounds, number %#',
    async (password) => {
      expect(await passwords.verify(await passwords.hash(password), password)).toBe('match')
    },
  )
})

describe('a kept hash', () => {
  it('is taken when its cost is bounded', async () => {
    const cheap = await hash('imported', { memoryCost: 8, timeCost: 1, parallelism: 1 })
    expect(isPasswordHash(cheap)).toBe(true)
    expect(await passwords.verify(cheap, 'imported')).toBe('match')
  })

  it.each([
    '',
    'gibberish',
    '$argon2id$v=19$m=19456,t=2,p=1$',
    '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy',
    '$argon2i$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$argon2id$v=19$m=4000000,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$argon2id$v=19$m=8,t=4000000,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  ])('matches nothing when it is "%s"', async (phc) => {
    expect(isPasswordHash(phc)).toBe(false)
    expect(await passwords.verify(phc, 'x')).toBe('mismatch')
  })
})

describe('the gate', () => {
  it('lets as many wait as it is told to, first come, first served', async () => {
    const gate = new Passwords({ concurrencyMax: 1, queueMax: 2 })
    const done: string[] = []
    const phc = await gate.hash('x')
    const checks = ['a', 'b', 'c', 'd'].map(async (name) => {
      const verdict = await gate.verify(phc, 'x')
      done.push(`${name} ${verdict}`)
    })
    await Promise.all(checks)
    expect(done).toEqual(['d busy', 'a match', 'b match', 'c match'])
    expect(await gate.verify(phc, 'x')).toBe('match')
  })

  it('tells busy at once when as many as allowed are under way, and opens again', async () => {
    const gate = new Passwords({ concurrencyMax: 1 })
    const phc = await gate.hash('x')
    const running = gate.verify(phc, 'x')
    expect(await gate.verify(phc, 'x')).toBe('busy')
    expect(await gate.verifyAbsent('x')).toBe('busy')
    await expect(gate.hash('x')).rejects.toSatisfy(
      (error) => error instanceof GatehouseError && error.code === 'busy',
    )
    expect(await running).toBe('match')
    expect(await gate.verify(phc, 'x')).toBe('match')
  })
})

describe('an absent user', () => {
  it('is checked against a hash of the same cost, which nothing matches', async () => {
    const drawn: number[] = []
    const random = (size: number): Uint8Array => (drawn.push(size), new Uint8Array(size).fill(5))
    expect(await new Passwords({ concurrencyMax: 1, random }).verifyAbsent('guess')).toBe('mismatch')
    const { saltLen, outputLen } = parseOptions(await passwords.hash('x'))
    expect(drawn).toEqual([saltLen, outputLen])
  })
})
