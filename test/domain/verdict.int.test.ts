import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Grant } from '../../src/domain/grant.ts'
import { overheard } from '../../src/domain/overheard.ts'
import type { SubjectRules } from '../../src/domain/policy.ts'
import { entryCovers } from '../../src/domain/subject-entry.ts'
import { minimal } from '../../src/domain/subject-list.ts'
import { mayPublish, maySubscribe } from '../../src/domain/verdict.ts'
import { newestServer, oldestServer } from '../support/binaries.ts'

import { everySubject, matches } from './small-world.ts'
import { ALL, openJudge, type Admitted, type Judge } from './server.ts'

// How many cases: users, times what each of them asks.
const USERS = 125
const SUBJECTS_EACH = 40

const GRANTS_HEARD = 200
const PUBLISHED = everySubject(['a', 'b', 'c'], 4)

/** Named where something goes wrong, so that it can be tried again. */
const seed = Math.trunc(Math.random() * 2 ** 31)

const token = fc.constantFrom('a', 'b', '*')
const subject = fc
  .tuple(fc.array(token, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '', '.>'))
  .map(([tokens, tail]) => `${tokens.join('.')}${tail}`)
const anything = fc.oneof({ weight: 12, arbitrary: subject }, { weight: 1, arbitrary: fc.constant('>') })
const queued = fc
  .tuple(anything, fc.constantFrom('', '', '', ' p', ' q.r', ' *', ' q.*', ' >'))
  .map(([pattern, queue]) => `${pattern}${queue}`)
const list = (entry: fc.Arbitrary<string>, maxLength: number) => fc.array(entry, { maxLength }).map(minimal)
const grant: fc.Arbitrary<Grant> = fc.record({
  publish: fc.record({ allow: list(anything, 5), deny: list(subject, 3) }),
  subscribe: fc.record({ allow: list(queued, 5), deny: list(queued, 3) }),
  policies: fc.constant([]),
})
/** What is asked: subjects of up to four tokens, wildcards and a tail among them, in a queue group or none. */
const asked = fc.record({
  subject: fc
    .tuple(
      fc.array(fc.constantFrom('a', 'b', 'c', 'a', 'b', '*'), { minLength: 1, maxLength: 4 }),
      fc.constantFrom('', '', '', '.>'),
    )
    .map(([tokens, tail]) => `${tokens.join('.')}${tail}`),
  queue: fc.constantFrom(undefined, undefined, 'p', 'q', 'q.r', 'q.r.s'),
})

const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number): T[] =>
  fc.sample(arbitrary, { seed, numRuns })

describe.each([
  ['the oldest nats-server', oldestServer, 'all queue groups alike'],
  ['the newest nats-server', newestServer, 'also by queue group'],
])('%s', (_, binary, filters) => {
  let judge: Judge
  let publisher: Admitted
  beforeAll(async () => {
    judge = await openJudge(await binary())
    publisher = await judge.admit(ALL)
  })
  afterAll(() => judge[Symbol.asyncDispose]())

  it('says to every publish and every subscription what we say', async () => {
    const grants = sample(grant, USERS)
    const questions = sample(fc.array(asked, { minLength: SUBJECTS_EACH, maxLength: SUBJECTS_EACH }), USERS)
    const wrong: string[] = []
    const counts = { allowed: 0, refused: 0 }
    const tell = (what: string, allowed: boolean, ours: boolean, by: Grant): void => {
      counts[allowed ? 'allowed' : 'refused'] += 1
      if (allowed !== ours)
        wrong.push(`${what}: the server ${allowed ? 'allows' : 'refuses'} it to ${JSON.stringify(by)}`)
    }
    for (const [i, by] of grants.entries()) {
      const { client } = await judge.admit(by)
      for (const { subject, queue = '' } of questions[i]!) {
        client.publish(subject, '')
        client.subscribe(subject, { queue, sid: `${subject}/${queue}` })
      }
      await client.settle()
      const errors = new Set(client.errors)
      for (const { subject, queue } of questions[i]!) {
        tell(`PUB ${subject}`, !errors.has(pubError(subject)), mayPublish(by.publish, subject).allowed, by)
        const ours = maySubscribe(by.subscribe, subject, queue).allowed
        tell(`SUB ${subject} ${queue ?? ''}`, !errors.has(subError(subject, queue)), ours, by)
      }
      await client[Symbol.asyncDispose]()
    }
    expect(wrong, `seed ${seed}`).toEqual([])
    expect(counts.allowed + counts.refused).toBe(2 * USERS * SUBJECTS_EACH)
    expect(Math.min(counts.allowed, counts.refused)).toBeGreaterThan(1_000)
  })

  /** What is delivered of everything published, when this subscription is the only one. */
  async function delivered({ client }: Admitted, subject: string, queue = ''): Promise<string[]> {
    const before = client.delivered.length
    client.subscribe(subject, { queue, sid: 'only' })
    await client.settle()
    for (const each of PUBLISHED) publisher.client.publish(each, '')
    await publisher.client.settle()
    await client.settle()
    client.write('UNSUB only\r\n')
    return client.delivered.slice(before).map((each) => each.subject)
  }

  it('delivers to a subscription what it matches and is not denied', async () => {
    const grants = sample(grant, GRANTS_HEARD)
    const questions = sample(fc.array(asked, { minLength: 60, maxLength: 60 }), GRANTS_HEARD)
    let filtered = 0
    for (const [i, by] of grants.entries()) {
      const admitted = await judge.admit(by)
      const { deny = [] } = admitted.worn.sub ?? {}
      const accepted = questions[i]!.filter(
        ({ subject, queue }) => maySubscribe(by.subscribe, subject, queue).allowed,
      ).sort((one, other) => wildcards(other.subject) - wildcards(one.subject))
      for (const { subject, queue } of accepted.slice(0, 3)) {
        const group = filters === 'also by queue group' ? queue : undefined
        const wanted = PUBLISHED.filter((each) => matches(subject, each))
        const passed = wanted.filter((each) => !deny.some((entry) => denies(entry, each, group)))
        if (passed.length < wanted.length) filtered += 1
        const what = `seed ${seed}: SUB ${subject} ${queue ?? ''} with ${JSON.stringify(admitted.worn.sub)}`
        const heard = await delivered(admitted, subject, queue)
        expect(heard, what).toEqual(passed)
        const unsaid = heard.filter((each) => !isSaid(by.subscribe, each, queue))
        if (filters === 'also by queue group' || queue === undefined) expect(unsaid, what).toEqual([])
      }
      await admitted.client[Symbol.asyncDispose]()
    }
    expect(filtered).toBeGreaterThan(10)
  })

  const to = (allow: readonly string[], deny: readonly string[] = []): Grant => ({
    ...ALL,
    subscribe: { allow, deny },
  })

  it.each<[what: string, allow: string[], subscribed: string, longest: string[]]>([
    ['a last "*"', ['a.*'], 'a.>', ['a.a', 'a.b', 'a.c']],
    ['a lone "*"', ['*'], '>', ['a', 'b', 'c']],
    ['a queue group', ['a.* q'], 'a.> q', ['a.a', 'a.b', 'a.c']],
    [
      'all of another length',
      ['a.*', 'a.*.*.*'],
      'a.>',
      PUBLISHED.filter((each) => /^a\.\w(\.\w\.\w)?$/.test(each)),
    ],
  ])('does not take the ">" of a subscription for a token of %s', async (_, allow, subscribed, heard) => {
    const [subject = '', queue] = subscribed.split(' ')
    expect(maySubscribe(to(allow).subscribe, subject, queue).allowed).toBe(true)
    expect(await delivered(await judge.admit(to(allow)), subject, queue)).toEqual(heard)
  })

  it('takes it for one where something of that length is allowed, and delivers all of that length', async () => {
    expect(overheard(to(['a.*', 'a.b.c']).subscribe)).toEqual(['a.*.*'])
    const heard = await delivered(await judge.admit(to(['a.*', 'a.b.c'])), 'a.>')
    expect(heard).toEqual(PUBLISHED.filter((each) => /^a\.\w(\.\w)?$/.test(each)))
  })

  it('keeps a denied queue group from a literal subject, and filters a wildcard only where it can', async () => {
    const grant = to(['a.>'], ['a.b q'])
    const admitted = await judge.admit(grant)
    expect(maySubscribe(grant.subscribe, 'a.b', 'q')).toEqual({ allowed: false, entry: 'a.b q' })
    const heard = await delivered(admitted, 'a.*', 'q')
    expect(heard).toEqual(filters === 'also by queue group' ? ['a.a', 'a.c'] : ['a.a', 'a.b', 'a.c'])
    expect(await delivered(admitted, 'a.*', 'r')).toEqual(['a.a', 'a.b', 'a.c'])
  })

  it('takes half a wildcard in a queue group for a whole one, which is why none can be written', async () => {
    const { client } = await judge.admitWith({ sub: { allow: ['a *x.*'] } })
    client.subscribe('a', { queue: 'foo.bar' })
    await client.settle()
    expect(client.errors).toEqual([])
    await expect(judge.admit(to(['a *x.*']))).rejects.toThrow(/token that begins with "\*"/)
  })

  it('leaves some subjects and a queue group to nobody', async () => {
    const { client } = await judge.admit(ALL)
    for (const subject of ['_GR_.x', '$NRG.x']) {
      client.publish(subject, '')
      expect(mayPublish(ALL.publish, subject)).toEqual({ allowed: false })
    }
    client.subscribe('a', { queue: '_sys_' })
    await client.settle()
    expect(client.errors).toEqual([pubError('_GR_.x'), pubError('$NRG.x'), subError('a', '_sys_')])
    expect(maySubscribe(ALL.subscribe, 'a', '_sys_')).toEqual({ allowed: false })
  })
})

function wildcards(subject: string): number {
  return subject.split('.').filter((each) => each === '*' || each === '>').length
}

function pubError(subject: string): string {
  return `'Permissions Violation for Publish to "${subject}"'`
}

function subError(subject: string, queue: string | undefined): string {
  return `'Permissions Violation for Subscription to "${subject}"${queue === undefined ? '' : ` using queue "${queue}"`}'`
}

/** Do the rules allow to subscribe to what was delivered, or does `overheard` say that they might as well? */
function isSaid(rules: SubjectRules, subject: string, queue: string | undefined): boolean {
  const text = queue === undefined ? subject : `${subject} ${queue}`
  return (
    maySubscribe(rules, subject, queue).allowed || overheard(rules).some((entry) => entryCovers(entry, text))
  )
}

/** Does a deny keep this from being delivered in this queue group, or in none? Written anew from what servers do. */
function denies(entry: string, subject: string, queue: string | undefined): boolean {
  const [pattern = '', group] = entry.split(' ')
  return matches(pattern, subject) && (group === undefined || (queue !== undefined && matches(group, queue)))
}
