import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Standing } from '../../src/callout/eligible.ts'
import { prepare } from '../../src/callout/prepare.ts'
import { Denial } from '../../src/callout/reason.ts'
import { signResponse, signUser, type Signers } from '../../src/callout/sign.ts'
import type { Grant } from '../../src/domain/grant.ts'
import { entryCovers } from '../../src/domain/subject-entry.ts'
import { minimal } from '../../src/domain/subject-list.ts'
import { overlaps } from '../../src/domain/subject.ts'
import type { Window } from '../../src/domain/window.ts'
import { GatehouseError } from '../../src/errors.ts'
import { validateAuthorizationResponse } from '../../src/jwt/authorization.ts'
import { decode } from '../../src/jwt/token.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { signerOf } from '../../src/keys/signer.ts'
import { anAccount, askingServer, aToken, aUser, NOW_MS, NOW_SECONDS } from '../support/requests.ts'

const signing = signerOf(createKeyPair('account'))
const account = anAccount({ signingKeys: [{ publicKey: signing.publicKey, createdAt: '' }] })
const user = aUser({ account: account.id })
const standing: Standing = { user, account, credential: aToken('gh_t'), policies: [], boundary: undefined }
const grant: Grant = {
  publish: { allow: ['a', 'b.>'], deny: ['b.c'] },
  subscribe: { allow: ['e.> workers'], deny: [] },
  policies: [],
}
const server = askingServer({ account: createKeyPair('account').publicKey })
const claims = { ...server.claims(), iss: server.id, jti: '' }

const prepared = (
  granted: Partial<Grant> = {},
  { as = standing, random = 0, nowMs = NOW_MS }: { as?: Standing; random?: number; nowMs?: number } = {},
) => prepare(as, { ...grant, ...granted }, { claims, moment: { nowMs, random } })
const expiryOf = (...args: Parameters<typeof prepared>): number | undefined => {
  const result = prepared(...args)
  if (result instanceof Denial) throw new Error(result.reason)
  return result.exp
}

describe('the claims of a user', () => {
  it('are exactly these', () => {
    expect(prepared({ lifetimeSeconds: 60, responses: { max: 1, ttlMs: 120_000 } })).toEqual({
      sub: claims.nats.user_nkey,
      name: 'alice',
      iat: NOW_SECONDS,
      exp: NOW_SECONDS + 60,
      nats: {
        pub: { allow: ['a', 'b.>'], deny: ['b.c'] },
        sub: { allow: ['e.> workers'] },
        resp: { max: 1, ttl: 120_000_000_000 },
        subs: -1,
        data: -1,
        payload: -1,
        issuer_account: account.id,
        type: 'user',
        version: 2,
      },
    })
  })

  it('name no issuer account when the root key of the account signs', () => {
    const root = { ...standing, account: { ...account, signingKeys: [] } }
    expect(prepared({}, { as: root })).not.toHaveProperty('nats.issuer_account')
  })

  it.each([[[]], [['a']], [['a', '>']]])(
    'deny everything when nothing is allowed and %j is denied',
    (deny) => {
      const nothing = { allow: [], deny }
      expect(prepared({ publish: nothing, subscribe: nothing })).toMatchObject({
        nats: { pub: { deny: ['>'] }, sub: { deny: ['>'] } },
      })
      expect(prepared({ publish: nothing })).not.toHaveProperty('nats.pub.allow')
    },
  )

  it.each([
    ['publish', { allow: ['a..b'], deny: [] }, 'nats.pub.allow[0] must not contain empty tokens'],
    [
      'publish',
      { allow: ['a q'], deny: [] },
      'nats.pub.allow[0] must not contain spaces or control characters',
    ],
    ['publish', { allow: ['a'], deny: [''] }, 'nats.pub.deny[0] must not be empty'],
    ['subscribe', { allow: ['a q r'], deny: [] }, 'nats.sub.allow[0] queue group must not contain spaces'],
  ])('are none when nats-server would refuse them: %s %j', (side, rules, detail) => {
    const denial = prepared({ [side]: rules })
    expect(denial).toBeInstanceOf(Denial)
    expect(denial).toMatchObject({
      reason: 'grant_invalid',
      detail: expect.stringContaining(detail) as string,
    })
  })
})

/** Entries that another one of the list covers. */
function saidTwice(list: readonly string[] = []): string[] {
  return list.filter((entry, i) => list.some((other, j) => i !== j && entryCovers(other, entry)))
}

describe('the subscriptions of a user', () => {
  const worn = (...allow: string[]) => {
    const result = prepared({ subscribe: { allow, deny: [] } })
    return result instanceof Denial ? result.reason : result.nats.sub?.allow
  }

  it('lose nothing by a queue entry that matches the same subjects', () => {
    expect(worn('e.a', 'e.> workers', 'f.>')).toEqual(['e.a', 'e.> workers', 'f.>', 'e.a >'])
    expect(worn('e.a', 'f.>')).toEqual(['e.a', 'f.>'])
    expect(worn('e.> workers')).toEqual(['e.> workers'])
  })

  it('are not told twice where a queue entry already gives them to every group', () => {
    expect(worn('e.a', 'e.> >')).toEqual(['e.a', 'e.> >'])
  })

  it('have nothing in any list of the JWT that another entry says', () => {
    const entries = (queues: readonly string[]) =>
      fc
        .array(
          fc
            .tuple(
              fc.array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 3 }),
              fc.constantFrom('', '.>'),
            )
            .chain(([tokens, tail]) =>
              fc.constantFrom(...queues.map((queue) => `${tokens.join('.')}${tail}${queue}`)),
            ),
          { maxLength: 6 },
        )
        .map(minimal)
    const [plain, queued] = [entries(['']), entries(['', '', ' q', ' *', ' >'])]
    fc.assert(
      fc.property(plain, plain, queued, queued, (allow, deny, subAllow, subDeny) => {
        const result = prepared({
          publish: { allow, deny },
          subscribe: { allow: subAllow, deny: subDeny },
        })
        if (result instanceof Denial) throw new Error(result.detail)
        const { pub, sub } = result.nats
        expect(saidTwice(pub?.allow)).toEqual([])
        expect(saidTwice(pub?.deny)).toEqual([])
        expect(saidTwice(sub?.deny)).toEqual([])
        // To nats-server an entry in every queue group is not said by the one without any, once another has a group.
        const again = saidTwice(sub?.allow)
        for (const entry of again) {
          const [subject = '', queue] = entry.split(' ')
          expect([queue, sub?.allow?.includes(subject)]).toEqual(['>', true])
          const others = sub!.allow!.filter((other) => other.includes(' ') && other !== entry)
          expect(others.some((other) => overlaps(other.split(' ')[0]!, subject))).toBe(true)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('are refused when they are too many for a JWT', () => {
    const long = 'a'.repeat(1_000)
    expect(worn(...Array.from({ length: 250 }, (_, i) => `${long}.${i}`))).toHaveLength(250)
    expect(worn(...Array.from({ length: 270 }, (_, i) => `${long}.${i}`))).toBe('grant_invalid')
  })
})

describe('a connection', () => {
  const until = (ms: number): Standing => ({
    ...standing,
    credential: aToken('gh_t', { expiresAt: new Date(ms).toISOString() }),
  })

  it('lasts for ever when nothing ends it', () => {
    expect(prepared()).not.toHaveProperty('exp')
  })

  it('ends with the credential that it was made with', () => {
    expect(expiryOf({}, { as: until(NOW_MS + 10_000) })).toBe(NOW_SECONDS + 10)
  })

  it.each(['user', 'account'] as const)('ends with its %s', (whose) => {
    const expiresAt = new Date(NOW_MS + 7_000).toISOString()
    const as = { ...until(NOW_MS + 10_000), [whose]: { ...standing[whose], expiresAt } }
    expect(expiryOf({}, { as })).toBe(NOW_SECONDS + 7)
  })

  it('ends with whatever ends first', () => {
    expect(expiryOf({ lifetimeSeconds: 5 }, { as: until(NOW_MS + 10_000) })).toBe(NOW_SECONDS + 5)
    expect(expiryOf({ lifetimeSeconds: 50 }, { as: until(NOW_MS + 10_000) })).toBe(NOW_SECONDS + 10)
  })

  it('ends when the first of its windows closes, which no jitter moves', () => {
    const open = (end: string): Window => ({ zone: 'UTC', start: '00:00', end }) // It is 08:00.
    const windows = [[open('18:00'), open('09:00')], [open('10:00')]]
    expect(expiryOf({ windows }, { random: 0.999 })).toBe(NOW_SECONDS + 2 * 3_600)
    expect(expiryOf({ windows, lifetimeSeconds: 60 })).toBe(NOW_SECONDS + 60)
    const last = NOW_MS + 2 * 3_600_000 - 501 // Its exp is a second ahead still, and no more.
    expect(expiryOf({ windows }, { nowMs: last })).toBe(Math.floor(last / 1_000) + 1)
    expect(prepared({ windows }, { nowMs: last + 1 })).toMatchObject({ reason: 'outside_window' })
  })

  it('keeps to its lifetime, less a tenth at most, so that a fleet does not come back at once', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 315_360_000 }), chance, fc.nat(999), (lifetime, random, ms) => {
        const nowMs = NOW_SECONDS * 1_000 + ms
        const exp = expiryOf({ lifetimeSeconds: lifetime }, { random, nowMs })!
        expect(exp * 1_000).toBeLessThanOrEqual(nowMs + lifetime * 1_000)
        expect(exp * 1_000).toBeGreaterThan(nowMs + lifetime * 900 - 1_001)
        expect(exp).toBeGreaterThan(NOW_SECONDS)
        expect(Number.isInteger(exp)).toBe(true)
      }),
    )
    const ends = [0, 0.25, 0.5, 0.75, 0.999].map((random) =>
      expiryOf({ lifetimeSeconds: 1_000 }, { random })!,
    )
    expect(ends.map((end) => end - NOW_SECONDS)).toEqual([1_000, 975, 950, 925, 900])
  })

  it('a fleet that came together leaves evenly over a tenth of its lifetime', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 86_400 }),
        fc.integer({ min: 1, max: 500 }),
        (lifetimeSeconds, size) => {
          const ends = new Map<number, number>()
          for (let member = 0; member < size; member += 1) {
            const end = expiryOf({ lifetimeSeconds }, { random: member / size })!
            ends.set(end, (ends.get(end) ?? 0) + 1)
          }
          expect(Math.max(...ends.values())).toBeLessThanOrEqual(Math.ceil(size / (lifetimeSeconds / 10)) + 1)
        },
      ),
    )
  })

  it('never has its credential outlived by the jitter', () => {
    const as = until(NOW_MS + 950_000)
    expect(expiryOf({ lifetimeSeconds: 1_000 }, { as, random: 0 })).toBe(NOW_SECONDS + 950)
    expect(expiryOf({ lifetimeSeconds: 1_000 }, { as, random: 0.999 })).toBe(NOW_SECONDS + 900)
  })
})

describe('signed', () => {
  const response = signerOf(createKeyPair('account'))
  const calloutAccount = createKeyPair('account').publicKey
  const signers: Signers = { response, responseIssuerAccount: calloutAccount, userSigner: () => signing }
  const to = { claims, replyTo: undefined }
  const ready = prepared()
  if (ready instanceof Denial) throw new Error(ready.reason)

  it('the user is of the account', async () => {
    const token = await signUser(ready, account, signers)
    const { type, claims: said } = decode(token as string)
    expect(type).toBe('user')
    expect(said).toMatchObject({ ...ready, iss: signing.publicKey })
  })

  it.each([
    ['key_missing ORDERS', () => undefined],
    ['store_unavailable ', () => Promise.reject(new GatehouseError('unavailable', 'JetStream is away'))],
  ])('nothing is: %s', async (reason, userSigner) => {
    const denial = await signUser(ready, account, { ...signers, userSigner })
    expect(denial).toBeInstanceOf(Denial)
    expect(`${(denial as Denial).reason} ${(denial as Denial).detail ?? ''}`).toBe(reason)
  })

  it('the answer is for this request of this server, by the callout account', () => {
    const answered = decode(signResponse(to, 'the.user.jwt', { signers, nowMs: NOW_MS }))
    expect(answered).toMatchObject({
      type: 'authorization_response',
      claims: {
        iss: response.publicKey,
        sub: claims.nats.user_nkey,
        aud: server.id,
        iat: NOW_SECONDS,
        nats: { jwt: 'the.user.jwt', issuer_account: calloutAccount },
      },
    })
    expect(answered.claims.nats).not.toHaveProperty('error')
    expect(validateAuthorizationResponse(answered.claims as never)).toEqual([])
  })

  it('a refusal says the reason and none of the detail', () => {
    const refused = decode(
      signResponse(to, new Denial('policy_missing', 'detail'), { signers, nowMs: NOW_MS }),
    )
    expect(refused.claims.nats).toEqual({
      error: 'policy_missing',
      issuer_account: calloutAccount,
      type: 'authorization_response',
      version: 2,
    })
  })

  it('an answer by the root of the callout account names no other', () => {
    const root = { ...signers, responseIssuerAccount: undefined }
    const { claims: said } = decode(signResponse(to, 'the.user.jwt', { signers: root, nowMs: NOW_MS }))
    expect(said.nats).not.toHaveProperty('issuer_account')
  })
})
