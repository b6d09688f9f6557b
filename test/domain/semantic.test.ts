import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allowedSubjects, deniedSubjects, type SemanticPermission } from '../../src/domain/semantic.ts'
import { subscribeEntryFault } from '../../src/domain/subject-entry.ts'
import { covers, overlaps, subjectFault } from '../../src/domain/subject.ts'
import { templateFault, templateSkeleton } from '../../src/domain/template.ts'

const word = fc.constantFrom('ORDERS', 'a', 'x-1', '{{user.name}}', 'S_{{user.metadata.team}}')
const token = fc.constantFrom('a', 'b', '*', '{{user.id}}')
const pattern = fc
  .tuple(fc.array(token, { maxLength: 3 }), fc.constantFrom('>', 'z', '{{account.name}}'))
  .map(([tokens, last]) => ['own', ...tokens, last].join('.'))
const patterns = fc.array(pattern, { minLength: 1, maxLength: 3 })
const place = fc.oneof(
  fc.constant({}),
  fc.record({ domain: fc.constantFrom('hub', 'leaf') }),
  fc.record({ prefix: fc.constantFrom('from.orders', 'JS.x') }),
)
const some = <Action extends string>(...all: readonly Action[]) => fc.subarray([...all], { minLength: 1 })

const inJetStream: fc.Arbitrary<SemanticPermission> = fc
  .tuple(
    fc.oneof(
      fc.record({ stream: word, may: some('view', 'read', 'write', 'manage'), subjects: patterns }),
      fc.record({ stream: word, may: some('view', 'read', 'manage') }),
      fc.record({ consumer: fc.oneof(word, fc.constant('*')), stream: word, may: some('use', 'manage') }),
      fc.record({ kv: word, may: some('read', 'write', 'watch', 'manage') }),
      fc.record({ kv: word, may: some('read', 'write', 'watch'), keys: patterns }),
      fc.record({ object: word, may: some('read', 'write', 'watch', 'manage') }),
    ),
    place,
  )
  .map(([permission, where]) => ({ ...permission, ...where }))
const queue = fc.option(fc.constantFrom('q', '{{user.name}}'), { nil: undefined })
const elsewhere: fc.Arbitrary<SemanticPermission> = fc.oneof(
  fc.record({ service: word, may: some('request', 'serve'), subjects: patterns, queue }),
  fc.record({ 'request-reply': pattern, may: some('request', 'reply'), queue }),
)
const permission = fc.oneof(inJetStream, elsewhere)

const allOf = (permission: SemanticPermission) => [allowedSubjects(permission), deniedSubjects(permission)]

describe('the subjects of a permission in words', () => {
  it('are valid, each once, whatever it says', () => {
    fc.assert(
      fc.property(permission, (permission) => {
        for (const { publish, subscribe } of allOf(permission)) {
          expect(publish.map(templateSkeleton).map(subjectFault).filter(Boolean)).toEqual([])
          expect(subscribe.map(templateSkeleton).map(subscribeEntryFault).filter(Boolean)).toEqual([])
          expect([...publish, ...subscribe].map(templateFault).filter(Boolean)).toEqual([])
          expect([new Set(publish).size, new Set(subscribe).size]).toEqual([publish.length, subscribe.length])
          expect(publish.length + subscribe.length).toBeGreaterThan(0)
        }
      }),
    )
  })

  it('keep the templates of the names that they are made of', () => {
    fc.assert(
      fc.property(inJetStream, (permission) => {
        const name =
          'kv' in permission
            ? permission.kv
            : 'object' in permission
              ? permission.object
              : 'stream' in permission
                ? permission.stream
                : ''
        fc.pre(!('subjects' in permission && (permission.may as readonly string[]).includes('write')))
        const shared = /[.]INFO$/
        for (const subject of allowedSubjects(permission).publish)
          if (!shared.test(subject)) expect(subject).toContain(name)
      }),
    )
  })

  it('reach the API of no other domain than the one that is said', () => {
    fc.assert(
      fc.property(inJetStream, (permission) => {
        fc.pre('domain' in permission && permission.domain !== undefined)
        const { domain } = permission as { readonly domain: string }
        const others = ['$JS.API.>', `$JS.${domain === 'hub' ? 'leaf' : 'hub'}.>`, '$KV.>']
        for (const subject of allowedSubjects(permission).publish)
          expect(others.filter((other) => overlaps(subject, other) || covers(other, subject))).toEqual([])
      }),
    )
  })

  it('are those of the API that a prefix is said for, acknowledgements apart', () => {
    fc.assert(
      fc.property(inJetStream, (permission) => {
        fc.pre('prefix' in permission && permission.prefix !== undefined)
        for (const subject of allowedSubjects(permission).publish)
          expect(overlaps(subject, '$JS.API.>') || overlaps(subject, '$KV.>')).toBe(false)
      }),
    )
  })

  it('let nobody answer but who serves or replies', () => {
    fc.assert(
      fc.property(permission, (permission) => {
        const answers = permission.may.some((action) => action === 'serve' || action === 'reply')
        expect(allowedSubjects(permission).responses !== undefined).toBe(answers)
        expect(deniedSubjects(permission).responses).toBeUndefined()
      }),
    )
  })

  it('of a consumer acknowledge for it alone, in both forms', () => {
    const { publish } = allowedSubjects({ consumer: 'mine', stream: 'S', may: ['use'] })
    const may = (subject: string): boolean => publish.some((entry) => covers(entry, subject))
    expect(may('$JS.ACK.S.mine.1.2.3.1700000000000.0')).toBe(true)
    expect(may('$JS.ACK.hub.hashhash.S.mine.1.2.3.1700000000000.0')).toBe(true)
    expect(may('$JS.ACK._.hashhash.S.mine.1.2.3.1700000000000.0.random')).toBe(true)
    expect(may('$JS.ACK.S.theirs.1.2.3.1700000000000.0')).toBe(false)
    expect(may('$JS.ACK._.hashhash.S.theirs.1.2.3.1700000000000.0')).toBe(false)
    expect(may('$JS.ACK.S.mine.S.theirs.1.2.3.1700000000000.0')).toBe(false)
  })
})
