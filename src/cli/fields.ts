import { z } from 'zod'
import type { Command } from '../admin/command.ts'

/**
 * - `text`: one value, as a positional or a flag
 * - `switch`: `--x` or `--no-x`
 * - `list`: a flag that may be given again and again
 * - `map`: the same, with KEY=VALUE
 * - `presence`: a group of fields that means something even when it is empty
 * - `secret`: never on the command line; `--x-file` names where it is
 */
type FieldKind = 'text' | 'switch' | 'list' | 'map' | 'presence' | 'secret'

/** How one field of a request is said on the command line. */
export interface Field {
  /** Where it is in the body: `['limits', 'jetstream', 'disk']`. */
  readonly path: readonly string[]
  readonly kind: FieldKind
  readonly isPositional: boolean
  /** `--limits-jetstream-disk`, or the name of the positional. */
  readonly word: string
  /** What stands for the value in the help: `size`. */
  readonly placeholder: string
  readonly description: string
  readonly isRequired: boolean
  /** Digits are a number. */
  readonly isNumeric: boolean
  /** What the schema refuses whatever it is, with words that say where to turn: taken, but not shown. */
  readonly isHidden: boolean
  readonly choices: readonly string[]
}

/** A field that only a document can say. */
export interface Unsaid {
  readonly path: readonly string[]
  readonly description: string
}

export interface Fields {
  readonly fields: readonly Field[]
  readonly unsaid: readonly Unsaid[]
}

/** The part of JSON Schema that zod writes and we read. */
interface JsonSchema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly description?: string
  readonly additionalProperties?: JsonSchema | boolean
  readonly not?: unknown
  readonly pattern?: string
  readonly format?: string
}

const SECRET = /^(?:password|token|seed|secret|creds|passphrase)$/i
/** Required, but prose: it does not say what the command is about. */
const PROSE = /^(?:reason|description|label)$/

/** What can be said of a request on the command line, in the order of its schema. */
export function fieldsOf({ request, line, places }: Pick<Command, 'request' | 'line' | 'places'>): Fields {
  const schema = z.toJSONSchema(request, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  const found: { readonly fields: Field[]; readonly unsaid: Unsaid[] } = { fields: [], unsaid: [] }
  collect(schema, [], found)
  const first = line?.places ?? places
  return first === undefined ? found : { ...found, fields: placed(found.fields, first) }
}

/** Those fields follow the command, in that order; the others have flags. */
function placed(fields: readonly Field[], places: readonly string[]): readonly Field[] {
  const inPlace = places.flatMap((name) => {
    const field = fields.find(({ path }) => path.length === 1 && path[0] === name)
    return field === undefined ? [] : [{ ...field, isPositional: true, word: kebab(name) }]
  })
  return [...inPlace, ...fields.filter(({ path }) => path.length > 1 || !places.includes(path[0] ?? ''))]
}

function collect(
  group: JsonSchema,
  above: readonly string[],
  found: { readonly fields: Field[]; readonly unsaid: Unsaid[] },
): void {
  for (const [name, schema] of Object.entries(group.properties ?? {})) {
    const path = [...above, name]
    const isRequired = group.required?.includes(name) === true
    const isGroup = schema.type === 'object' && schema.properties !== undefined
    const kind = isGroup ? 'presence' : kindOf(name, schema)
    if (kind === undefined) found.unsaid.push({ path, description: schema.description ?? '' })
    else if (!isGroup || (schema.default === undefined && !isRequired))
      found.fields.push(field({ path, kind, schema, isRequired }))
    if (isGroup) collect(schema, path, found)
  }
}

function kindOf(name: string, schema: JsonSchema): FieldKind | undefined {
  if (schema.type === 'boolean') return 'switch'
  if (schema.not !== undefined) return 'text'
  if (schema.type === 'array') return plainOf(schema.items ?? {}).length > 0 ? 'list' : undefined
  if (schema.type === 'object') {
    const values = schema.additionalProperties
    return typeof values === 'object' && values.type === 'string' ? 'map' : undefined
  }
  if (plainOf(schema).length === 0) return undefined
  return SECRET.test(name) ? 'secret' : 'text'
}

const PLAIN = ['string', 'integer', 'number']

/** The forms of a value that fit into one word. */
function plainOf(schema: JsonSchema): readonly JsonSchema[] {
  const forms = schema.anyOf ?? schema.oneOf
  if (forms !== undefined) return forms.flatMap(plainOf)
  return PLAIN.includes(schema.type ?? '') || typeof schema.const === 'string' ? [schema] : []
}

interface Described {
  readonly path: readonly string[]
  readonly kind: FieldKind
  readonly schema: JsonSchema
  readonly isRequired: boolean
}

function field({ path, kind, schema, isRequired }: Described): Field {
  const item = kind === 'list' ? (schema.items ?? {}) : schema
  const forms = plainOf(item)
  const choices = forms.flatMap(({ enum: words = [], const: word }) => [...words, word ?? []].flat())
  const name = path.at(-1) ?? ''
  const isPositional =
    path.length === 1 && isRequired && kind === 'text' && choices.length === 0 && !PROSE.test(name)
  const word = path.map(kebab).join('-')
  return {
    path,
    kind,
    isPositional,
    word: isPositional ? word : `--${word}${kind === 'secret' ? '-file' : ''}`,
    placeholder: placeholderOf(name, kind, forms),
    description: describe(kind, schema, item),
    isRequired,
    isNumeric: forms.some(({ type }) => type === 'integer' || type === 'number'),
    isHidden: schema.not !== undefined,
    choices: choices.map(String),
  }
}

export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function placeholderOf(name: string, kind: FieldKind, forms: readonly JsonSchema[]): string {
  if (kind === 'map') return 'key=value'
  if (kind === 'secret') return 'file'
  const patterns = forms.map(({ pattern }) => pattern ?? '').join(' ')
  if (patterns.includes('KiB')) return 'size'
  if (patterns.includes('ms|s|m|h|d')) return 'duration'
  if (forms.some(({ format }) => format === 'date-time')) return 'time'
  if (forms.some(({ type }) => type === 'integer' || type === 'number')) return 'n'
  if (forms.some((form) => form.enum !== undefined || form.const !== undefined)) return 'word'
  if (/^A subject/.test(forms[0]?.description ?? '')) return 'subject'
  return /^(?:account|user|role|roles|name|.*polic(?:y|ies))$/i.test(name) ? 'name' : 'text'
}

function describe(kind: FieldKind, schema: JsonSchema, item: JsonSchema): string {
  const text = schema.description ?? item.description ?? ''
  // Of a single value commander tells the choices itself.
  const words = kind === 'list' ? plainOf(item).flatMap((form) => form.enum ?? []) : []
  const { default: otherwise } = schema
  const notes = [
    ...(words.length === 0 ? [] : [`one of ${words.join(', ')}`]),
    ...(isPlain(otherwise) ? [`default: ${String(otherwise)}`] : []),
    ...(kind === 'list' || kind === 'map' ? ['may be given again'] : []),
    ...(kind === 'secret' ? ['a file, or - for standard input'] : []),
  ]
  return [text, ...(notes.length === 0 ? [] : [`(${notes.join('; ')})`])].filter(Boolean).join(' ')
}

function isPlain(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}
