import { join } from 'node:path'
import Ajv from 'ajv'
import fc from 'fast-check'
import { format, resolveConfig } from 'prettier'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { documentSchemas } from '../../src/admin/document-schemas.ts'
import { paperSchemas } from '../../src/admin/paper-schemas.ts'
import { check } from '../../src/admin/faults.ts'
import { jsonSchemas } from '../../src/admin/json-schemas.ts'
import { readPapers, readSources } from '../../src/cli/sources.ts'
import { PROJECT } from '../support/world.ts'

type Kind = keyof typeof documentSchemas
const kinds = Object.keys(documentSchemas) as Kind[]
const ajv = new Ajv({ allErrors: true })
const validate = Object.fromEntries(
  kinds.map((kind) => [kind, ajv.compile(jsonSchemas().get(`${kind}.json`) as object)]),
)

/** Does an editor accept the document? */
function accepts(kind: Kind, document: object): boolean {
  return validate[kind]!({ kind, ...document }) as boolean
}

/** Does Gatehouse? */
function isValid(kind: Kind, document: object): boolean {
  return check(documentSchemas[kind], { kind, ...document }).ok
}

describe('the schemas of docs/schemas', () => {
  it.each([...kinds, ...Object.keys(paperSchemas)])(
    '(%s) are what the code checks documents with',
    async (kind) => {
      const file = join(PROJECT, 'docs', 'schemas', `${kind}.json`)
      const style = { ...(await resolveConfig(file)), filepath: file }
      const text = await format(JSON.stringify(jsonSchemas().get(`${kind}.json`)), style)
      await expect(text, 'docs/schemas is out of date: run "npm run schemas"').toMatchFileSnapshot(file)
    },
  )

  it('accept the samples', async () => {
    const samples = await readSources(PROJECT)
    expect(samples.length).toBeGreaterThan(8)
    for (const { path, text } of samples) {
      const document = parse(text) as { kind: Kind }
      expect(
        validate[document.kind]!(document),
        `${path} ${ajv.errorsText(validate[document.kind]!.errors)}`,
      ).toBe(true)
    }
  })

  it('accept the tests of samples and what lint may find in them', async () => {
    const { tests, accepted } = await readPapers([PROJECT])
    for (const { path, text } of [...tests, ...accepted]) {
      const document = parse(text) as { kind: string }
      const accepts = ajv.compile(jsonSchemas().get(`${document.kind}.json`) as object)
      expect(accepts(document), `${path} ${ajv.errorsText(accepts.errors)}`).toBe(true)
    }
    expect(tests.length).toBeGreaterThan(5)
  })

  it('describe every field', () => {
    const bare: string[] = []
    const walk = (where: string, node: unknown): void => {
      if (node === null || typeof node !== 'object') return
      for (const [key, value] of Object.entries(node)) {
        if (key === 'properties') {
          for (const [field, about] of Object.entries(value as Record<string, object>)) {
            if (!('description' in about)) bare.push(`${where}.${field}`)
          }
        }
        walk(key === 'properties' ? where : `${where}.${key}`, value)
      }
    }
    for (const [file, schema] of jsonSchemas()) walk(file, schema)
    expect(bare).toEqual([])
  })

  it.each<[string, Kind, object]>([
    ['an unknown field', 'policy', { name: 'p', publsh: {} }],
    ['an unknown field below', 'account', { name: 'A', users: [{ name: 'u', policy: ['x'] }] }],
    ['a missing name', 'policy', {}],
    ['another kind', 'policy', { kind: 'account', name: 'p' }],
    ['a name with a space', 'account', { name: 'A B' }],
    ['a name that is an nkey', 'account', { name: `A${'B'.repeat(55)}` }],
    ['an empty token', 'policy', { name: 'p', publish: { allow: ['a..b'] } }],
    ['> in the middle', 'policy', { name: 'p', publish: { deny: ['a.>.b'] } }],
    ['an unknown variable', 'policy', { name: 'p', publish: { allow: ['a.{{user.nme}}'] } }],
    ['two queue groups', 'policy', { name: 'p', subscribe: { allow: ['a b c'] } }],
    ['a duration without a unit', 'policy', { name: 'p', limits: { lifetime: '90' } }],
    ['an unknown connection type', 'policy', { name: 'p', limits: { connectionTypes: ['TELNET'] } }],
    ['a network without bits', 'policy', { name: 'p', limits: { sources: ['10.0.0.0'] } }],
    [
      'a window without a zone',
      'policy',
      { name: 'p', limits: { windows: [{ start: '08:00', end: '09:00' }] } },
    ],
    ['what cannot be enforced', 'policy', { name: 'p', limits: { subscriptions: 5 } }],
    ['a size in MB', 'account', { name: 'A', limits: { payload: '1MB' } }],
    ['half a connection', 'account', { name: 'A', limits: { connections: 0.5 } }],
    ['metadata that is no text', 'account', { name: 'A', metadata: { level: 3 } }],
    ['a metadata key with a dot', 'account', { name: 'A', metadata: { 'a.b': 'c' } }],
  ])('are red for %s, as Gatehouse is', (_, kind, document) => {
    expect(accepts(kind, document)).toBe(false)
    expect(isValid(kind, document)).toBe(false)
  })

  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom(...Array.from('abA1.*>/{}  \t\\é-_')) }),
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^[a-c>*.]{1,8}( [a-c>*.]{1,4})?$/),
    fc.stringMatching(/^[a.]{0,3}\{\{ ?(user|account)\.(id|name|metadata\.k)? ?\}\}[a.>]{0,3}$/),
    fc.stringMatching(/^[0-9]{1,3}\.0\.0\.0\/[0-9]{1,2}$/),
  )

  it('never are red for what Gatehouse accepts', () => {
    const seen = new Set<boolean>()
    fc.assert(
      fc.property(text, (value) => {
        for (const [kind, document] of [
          ['account', { name: value }],
          ['policy', { name: 'p', publish: { allow: [value] } }],
          ['policy', { name: 'p', subscribe: { deny: [value] } }],
          ['policy', { name: 'p', limits: { sources: [value] } }],
        ] as const) {
          const valid = isValid(kind, document)
          seen.add(valid)
          if (valid) expect(accepts(kind, document), JSON.stringify(document)).toBe(true)
        }
      }),
      { numRuns: 3_000 },
    )
    expect(seen).toEqual(new Set([true, false]))
  })
})
