import Ajv from 'ajv'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { check } from '../../src/admin/faults.ts'
import { permissions } from '../../src/admin/fields.ts'
import { jsonSchemas } from '../../src/admin/json-schemas.ts'
import { SEMANTIC_SUBJECTS_MAX } from '../../src/admin/semantic-fields.ts'

const schema = z.strictObject(permissions)

/** Where and which rule, of every fault; nothing where it is taken. */
function faultsOf(entry: unknown, list: 'allow' | 'deny' = 'allow'): readonly string[] {
  const checked = check(schema, { [list]: [entry] })
  return checked.ok ? [] : checked.faults.map(({ where, rule }) => `${where}: ${rule}`)
}

const TAKEN: readonly Record<string, unknown>[] = [
  { stream: 'ORDERS', may: ['view', 'read'] },
  { stream: 'ORDERS', may: ['read', 'write'], subjects: ['orders.>', 'orders.{{user.id}}.new'] },
  { stream: 'S_{{user.name}}', may: ['manage'], domain: 'hub' },
  { consumer: 'workers', stream: 'ORDERS', may: ['use'] },
  { consumer: '*', stream: 'ORDERS', may: ['use', 'manage'], prefix: 'from.orders' },
  { kv: 'config', may: ['read', 'watch', 'write'], keys: ['app.{{user.name}}.>', 'a.*.c', '>'] },
  { kv: 'config', may: ['write'], keys: ['a.*'] },
  { object: 'files', may: ['read'], domain: 'hub' },
  { service: 'pricing', subjects: ['pricing.*'], may: ['serve'], queue: 'q' },
  { 'request-reply': 'orders.get', may: ['request'] },
]

describe('a permission in words', () => {
  it.each(TAKEN)('is taken as it is written: %j', (entry) => {
    const checked = check(schema, { allow: [entry] })
    expect(checked).toEqual({ ok: true, value: expect.objectContaining({ allow: [entry] }) as unknown })
  })

  it.each([
    [
      { strem: 'S', may: ['read'] },
      'allow[0]: must say what it is about: consumer, kv, object, request-reply, service, stream',
    ],
    [3, 'allow[0]: must be a map of fields, not a number'],
    [{ stream: 'S' }, 'allow[0].may: is missing: must be a list'],
    [{ stream: 'S', may: [] }, 'allow[0].may: must not be empty'],
    [{ stream: 'S', may: ['use'] }, 'allow[0].may[0]: must be view, read, write or manage'],
    [{ kv: 'b', may: ['use'] }, 'allow[0].may[0]: must be read, write, watch or manage'],
    [{ consumer: 'c', stream: 'S', may: ['read'] }, 'allow[0].may[0]: must be use or manage'],
    [{ service: 's', subjects: ['a'], may: ['reply'] }, 'allow[0].may[0]: must be request or serve'],
    [{ 'request-reply': 'a', may: ['serve'] }, 'allow[0].may[0]: must be request or reply'],
    [{ stream: 'S', may: ['read'], kyes: ['a'] }, 'allow[0].kyes: is not a field that is known here'],
    [{ stream: 'S', kv: 'b', may: ['read'] }, 'allow[0].kv: is not a field that is known here'],
    [{ stream: '*', may: ['read'] }, 'allow[0].stream: must be one name: no dots, spaces, slashes, * or >'],
    [{ stream: 'a.b', may: ['read'] }, 'allow[0].stream: must be one name: no dots, spaces, slashes, * or >'],
    [{ stream: 'a b', may: ['read'] }, 'allow[0].stream: must be one name: no dots, spaces, slashes, * or >'],
    [{ stream: '', may: ['read'] }, 'allow[0].stream: must not be empty'],
    [{ stream: 'x'.repeat(256), may: ['read'] }, 'allow[0].stream: must be at most 255 characters'],
    [
      { consumer: 'a*', stream: 'S', may: ['use'] },
      'allow[0].consumer: must be one name: no dots, spaces, slashes, * or >, but * alone for any consumer of the stream',
    ],
    [{ stream: 'a\u200b', may: ['read'] }, 'allow[0].stream: must not contain characters that are not seen'],
    [
      { 'request-reply': 'a\u200b', may: ['request'] },
      'allow[0].request-reply: must not contain characters that are not seen',
    ],
    [{ consumer: 'c', may: ['use'] }, 'allow[0].stream: is missing: must be text'],
    [
      { stream: '{{user.nam}}', may: ['read'] },
      'allow[0].stream: unknown variable "{{user.nam}}": use user.id, user.name, account.id, account.name or user.metadata.KEY',
    ],
    [{ kv: 'a.b', may: ['read'] }, 'allow[0].kv: must be the name of a bucket: letters, digits, _ or -'],
    [{ kv: 'b', may: ['read'], keys: ['a..b'] }, 'allow[0].keys[0]: must not contain empty tokens'],
    [{ kv: 'b', may: ['read'], keys: ['>.a'] }, 'allow[0].keys[0]: ">" may only be the last token'],
    [
      { kv: 'b', may: ['read'], keys: ['ä'] },
      'allow[0].keys[0]: must be keys of letters, digits, -, _, = and /, with * and > as wildcards',
    ],
    [{ kv: 'b', may: ['read'], keys: [] }, 'allow[0].keys: must not be empty'],
    [
      { kv: 'b', may: ['read', 'manage'], keys: ['a'] },
      'allow[0].keys: must not stand beside manage, which is of the whole bucket',
    ],
    [
      { stream: 'S', may: ['write'] },
      'allow[0].subjects: is missing: write needs the subjects that may be written',
    ],
    [
      { stream: 'S', may: ['manage'], subjects: ['a'] },
      'allow[0].subjects: must not be said here: view and manage are of the whole stream',
    ],
    [
      { stream: 'S', may: ['read'], domain: 'a', prefix: 'b' },
      'allow[0].prefix: must not stand beside domain: say one of them',
    ],
    [{ stream: 'S', may: ['read'], prefix: 'a.>' }, 'allow[0].prefix: must not have wildcards'],
    [
      { stream: 'S', may: ['read'], domain: 'a.b' },
      'allow[0].domain: must be one name: no dots, spaces, slashes, * or >',
    ],
    [{ service: 's', may: ['serve'] }, 'allow[0].subjects: is missing: must be a list'],
    [
      { service: 's', may: ['serve'], subjects: ['a'], domain: 'x' },
      'allow[0].domain: is not a field that is known here',
    ],
    [
      { 'request-reply': 'a', may: ['reply'], queue: 'a b' },
      'allow[0].queue: must not contain spaces or control characters',
    ],
    [{ 'request-reply': 'a', may: ['reply'], queue: '*' }, 'allow[0].queue: must not have wildcards'],
  ])('is refused with field and rule: %j', (entry, fault) => {
    expect(faultsOf(entry)).toEqual([fault])
  })

  it.each([
    '>',
    '*',
    '*.API.STREAM.DELETE.S',
    '$JS.API.>',
    '$SYS.REQ.>',
    '{{user.name}}',
    '{{ user.name }}.>',
  ])('does not reach the API of NATS by a subject: %s', (subject) => {
    const rule =
      'must begin with a word of its own: what begins with *, > or $ reaches the API of NATS, and what begins with a template whatever its value says; say that as a raw subject'
    expect(faultsOf({ stream: 'S', may: ['write'], subjects: [subject] })).toEqual([
      `allow[0].subjects[0]: ${rule}`,
    ])
    expect(faultsOf({ 'request-reply': subject, may: ['request'] })).toEqual([
      `allow[0].request-reply: ${rule}`,
    ])
  })

  it.each(['$JS.hub.API', '$JS', '$J{{user.name}}.API', '$KV'])(
    'is behind no import that begins with $: %s',
    (prefix) => {
      const rule =
        'prefix: must not begin with $: an import maps to a word of its own, and for $JS.<domain>.API there is domain'
      const entry = { stream: 'S', may: ['manage'], prefix }
      expect(faultsOf(entry)).toEqual([`allow[0].${rule}`])
      expect(faultsOf(entry, 'deny')).toEqual([`deny[0].${rule}`])
    },
  )

  it('tells every fault of every entry', () => {
    const checked = check(schema, { allow: [{ stream: 'a.b', may: ['x'] }, {}], deny: [{ kv: 'b' }] })
    expect(checked.ok ? [] : checked.faults.map(({ where }) => where)).toEqual([
      'allow[0].stream',
      'allow[0].may[0]',
      'allow[1]',
      'deny[0].may',
    ])
  })

  it.each([
    ['allow', { kv: 'b', may: ['read'], keys: ['x', 'a.*'] }, 'allow[0].keys[1]'],
    ['allow', { kv: 'b', may: ['watch'], keys: ['*'] }, 'allow[0].keys[0]'],
    ['allow', { stream: 'S', may: ['read'], subjects: ['a.*'] }, 'allow[0].subjects[0]'],
    ['allow', { 'request-reply': 'a', may: ['request', 'reply'] }, 'allow[0].may'],
    ['allow', { service: 's', subjects: ['a'], may: ['serve', 'request'] }, 'allow[0].may'],
    ['deny', { kv: 'b', may: ['read'], keys: ['a.>'] }, 'deny[0].keys'],
    ['deny', { kv: 'b', may: ['write', 'watch'], keys: ['a.>'] }, 'deny[0].keys'],
    ['deny', { stream: 'S', may: ['read'], subjects: ['a.>'] }, 'deny[0].subjects'],
    ['deny', { stream: 'S', may: ['manage'], domain: 'hub' }, 'deny[0].domain'],
    ['deny', { object: 'b', may: ['watch'] }, 'deny[0].may'],
    ['deny', { service: 's', subjects: ['a'], may: ['serve'], queue: 'q' }, 'deny[0].queue'],
  ] as const)('is refused as unenforceable, where nobody would hold to it: %s %j', (list, entry, where) => {
    const checked = check(schema, { [list]: [entry] })
    expect(checked.ok ? [] : checked.faults).toEqual([
      expect.objectContaining({ where, isUnenforceable: true }),
    ])
  })

  it('denies asking and answering together', () => {
    expect(faultsOf({ 'request-reply': 'a', may: ['request', 'reply'] }, 'deny')).toEqual([])
  })

  it('is bounded by the subjects that it comes to', () => {
    const entry = (n: number) => ({ consumer: `c${n}`, stream: 'S', may: ['use'] })
    const many = Array.from({ length: 1_000 }, (_, n) => entry(n))
    const faults = (allow: unknown) => {
      const checked = check(schema, { allow })
      return checked.ok ? [] : checked.faults.map(({ where, rule }) => `${where}: ${rule}`)
    }
    expect(faults(many.slice(0, 800))).toEqual([])
    expect(faults(many)).toEqual([`allow: must come to at most ${SEMANTIC_SUBJECTS_MAX} subjects, not 6000`])
    expect(faults([...many, entry(1_000)])).toContain('allow: must have at most 1000 entries')
  })
})

describe('the schema for editors', () => {
  const validate = new Ajv().compile(jsonSchemas().get('policy.json') as object)
  const isValid = (entry: unknown): boolean =>
    validate({ kind: 'policy', name: 'p', allow: [entry] }) as boolean

  it.each(TAKEN)('takes %j', (entry) => {
    expect(isValid(entry)).toBe(true)
  })

  it.each([
    { strem: 'S', may: ['read'] },
    { stream: 'S', may: ['use'] },
    { stream: 'a.b', may: ['read'] },
    { kv: 'b', may: ['read'], kyes: [] },
    { service: 's', may: ['serve'] },
    { 'request-reply': '>', may: ['request'] },
    { stream: 'S', may: ['read'], prefix: '$JS.hub.API' },
    { 'request-reply': '{{user.name}}.>', may: ['request'] },
  ])('underlines %j', (entry) => {
    expect(isValid(entry)).toBe(false)
  })
})
