import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entryCovers, parseSubscribeEntry, subscribeEntryFault } from '../../src/domain/subject-entry.ts'
import { expand, templateFault, templateSkeleton, type TemplateFacts } from '../../src/domain/template.ts'

const facts: TemplateFacts = {
  user: { id: '01U', name: 'alice', metadata: { region: 'eu', team: 'shop-1' } },
  account: { id: 'AORDERS', name: 'ORDERS' },
}

describe('a template is filled in', () => {
  it.each([
    ['orders.>', 'orders.>'],
    ['{{user.id}}', '01U'],
    ['u.{{user.name}}.>', 'u.alice.>'],
    ['{{ account.name }}.{{account.id}}.*', 'ORDERS.AORDERS.*'],
    ['r.{{user.metadata.region}}.{{user.metadata.team}}', 'r.eu.shop-1'],
    ['_INBOX_{{user.id}}.>', '_INBOX_01U.>'],
    ['events.> {{user.metadata.team}}', 'events.> shop-1'],
  ])('%s → %s', (template, subject) => {
    expect(templateFault(template)).toBeUndefined()
    expect(expand(template, facts)).toEqual({ ok: true, subject })
  })
})

describe('a template fails closed and names the variable', () => {
  it.each([
    ['a.{{user.metadata.none}}', 'user.metadata.none'],
    ['{{user.id}}.{{user.metadata.none}}.{{user.metadata.nor}}', 'user.metadata.none'],
    ['a.{{user.password}}', 'user.password'],
    ['a.{{user.metadata.constructor}}', 'user.metadata.constructor'],
    ['a.{{user.metadata.__proto__}}', 'user.metadata.__proto__'],
    ['a.{{}}', ''],
  ])('%s', (template, variable) => {
    expect(expand(template, facts)).toEqual({ ok: false, variable })
  })

  it.each([
    '',
    '*',
    '>',
    'a.b',
    'a*',
    'x>',
    'a b',
    'a\tb',
    'a\r\nb',
    '$SYS',
    '{{user.id}}',
    '\u0000',
    '\u0085',
    'a\u200b',
    '\u3164',
    '\udc00a',
  ])('for the value %j', (region) => {
    const unfit = { ...facts, user: { ...facts.user, metadata: { region } } }
    const variable = 'user.metadata.region'
    expect(expand(`r.{{${variable}}}.x`, unfit)).toEqual({ ok: false, variable })
  })

  it('for a name with dots, which is more than one token', () => {
    const dotted = { ...facts, user: { ...facts.user, name: 'alice@example.com' } }
    expect(expand('u.{{user.name}}', dotted)).toEqual({ ok: false, variable: 'user.name' })
  })
})

describe('a template is refused where it is written', () => {
  it.each([
    ['{{user.password}}', /unknown variable/],
    ['{{user.metadata.a b}}', /unknown variable/],
    ['{{user.metadata.}}', /unknown variable/],
    ['{{}}', /unknown variable/],
    ['a.{b}', /may only enclose/],
    ['a.{{user.id}', /may only enclose/],
    ['{{{user.id}}}', /may only enclose/],
  ])('%s', (template, rule) => {
    expect(templateFault(template)).toMatch(rule)
  })
})

describe('no value whatever', () => {
  const VARIABLES = ['user.id', 'user.name', 'account.id', 'account.name', 'user.metadata.k'] as const
  const hostile = fc.constantFrom(
    '*',
    '>',
    '.',
    '.>',
    ' ',
    '',
    '$',
    '$SYS',
    '{{',
    '}}',
    '{{user.id}}',
    '\n',
    '\u2028',
    "$'",
    '$&',
  )
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    hostile,
    fc
      .array(fc.oneof(hostile, fc.constantFrom('a', 'B', '1', '-')), { maxLength: 4 })
      .map((parts) => parts.join('')),
    fc.stringMatching(/^[A-Za-z0-9_@-]{1,8}$/),
  )
  const variable = fc.constantFrom(...VARIABLES).map((name) => `{{${name}}}`)
  const token = fc.oneof(
    fc.constantFrom('a', 'b', '*'),
    variable,
    variable.map((each) => `_INBOX_${each}`),
  )
  const subject = fc
    .tuple(fc.array(token, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([tokens, tail]) => [...tokens, ...(tail ? ['>'] : [])].join('.'))
  const template = fc
    .tuple(subject, fc.option(token, { nil: undefined }))
    .map(([text, queue]) => (queue === undefined ? text : `${text} ${queue}`))

  /** Every token that holds a variable, as a wildcard for one token: the most that the template may come to. */
  const widest = (text: string): string => text.replaceAll(/[^. ]*\{\{[^{}]*\}\}[^. ]*/g, '*')
  const wildcards = (text: string): number =>
    text.split(/[. ]/).filter((each) => each === '*' || each === '>').length

  it('widens a grant beyond one token', () => {
    let filled = 0
    fc.assert(
      fc.property(
        template,
        fc.tuple(value, value, value, value, value),
        (text, [id, name, aid, aname, k]) => {
          const expansion = expand(text, {
            user: { id, name, metadata: { k } },
            account: { id: aid, name: aname },
          })
          if (!expansion.ok) return
          filled += 1
          expect(subscribeEntryFault(expansion.subject)).toBeUndefined()
          expect(entryCovers(widest(text), expansion.subject)).toBe(true)
          expect(wildcards(expansion.subject)).toBe(wildcards(text))
          const [made, meant] = [
            parseSubscribeEntry(expansion.subject),
            parseSubscribeEntry(templateSkeleton(text)),
          ]
          expect(made.subject.split('.').length).toBe(meant.subject.split('.').length)
          expect(made.queue?.split('.').length).toBe(meant.queue?.split('.').length)
        },
      ),
      { numRuns: 3_000 },
    )
    expect(filled).toBeGreaterThan(300)
  })

  it('is dropped from a grant without a word: it fills its place or fails', () => {
    fc.assert(
      fc.property(value, (k) => {
        const expansion = expand('a.{{user.metadata.k}}.b', {
          ...facts,
          user: { ...facts.user, metadata: { k } },
        })
        expect(expansion).toEqual(
          expansion.ok ? { ok: true, subject: `a.${k}.b` } : { ok: false, variable: 'user.metadata.k' },
        )
      }),
    )
  })
})
