import type { Fault } from '../errors.ts'
import type { Field, Fields } from './fields.ts'

export type Body = Readonly<Record<string, unknown>>

/** What the command line said, by the path of the field: text, true or false, or a list of texts. */
export type Said = ReadonlyMap<Field, string | boolean | readonly string[]>

export interface Built {
  readonly body: Body
  readonly faults: readonly Fault[]
}

/** A request from what was said, over the document it may come with. Rules of the schema are not looked at here. */
export function buildBody(said: Said, document: Body): Built {
  const faults: Fault[] = []
  let body = document
  for (const [field, value] of said) {
    const { path, kind } = field
    if (kind === 'presence') {
      if (at(body, path) === undefined) body = put(body, path, {})
    } else if (kind === 'map') {
      body = put(body, path, mapOf(field, value as readonly string[], faults))
    } else if (kind === 'list') {
      body = put(
        body,
        path,
        (value as readonly string[]).map((text) => valueOf(field, text)),
      )
    } else {
      body = put(body, path, typeof value === 'string' ? valueOf(field, value) : value)
    }
  }
  return { body, faults }
}

function valueOf({ isNumeric, kind }: Field, text: string): unknown {
  return isNumeric && kind !== 'secret' && /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text
}

function mapOf(field: Field, pairs: readonly string[], faults: Fault[]): Body {
  const entries = pairs.map((pair) => {
    const end = pair.indexOf('=')
    if (end < 1) faults.push({ where: field.word, rule: 'must be KEY=VALUE' })
    return [pair.slice(0, end), pair.slice(end + 1)] as const
  })
  return Object.fromEntries(entries)
}

/** The same words that a person would type for this body, and what they cannot say. */
export interface Spoken {
  readonly args: readonly string[]
  readonly document: Body
}

/** The inverse of `buildBody`: a body as arguments, and as a document what arguments cannot say. */
export function speak({ fields }: Fields, body: Body): Spoken {
  const positionals: string[] = []
  const flags: string[] = []
  let document = body
  for (const field of fields) {
    const value = at(body, field.path)
    const words = value === undefined ? undefined : wordsFor(field, value)
    if (words === undefined) continue
    if (field.kind !== 'presence') document = without(document, field.path)
    if (field.isPositional) positionals.push(...words)
    else flags.push(...words)
  }
  const looksLikeFlag = positionals.some((word) => word.startsWith('-'))
  return {
    args: looksLikeFlag ? [...flags, '--', ...positionals] : [...positionals, ...flags],
    document: pruned(document),
  }
}

/** Undefined for what only a document can say. */
function wordsFor(field: Field, value: unknown): readonly string[] | undefined {
  const { kind, word, isPositional, isRequired } = field
  switch (kind) {
    case 'secret':
      return undefined
    case 'presence':
      return Object.keys(value as Body).length === 0 ? [word] : []
    case 'switch':
      return [value === true ? word : word.replace('--', '--no-')]
    case 'map':
      return Object.entries(value as Body).flatMap(([key, text]) => [word, `${key}=${String(text)}`])
    case 'list': {
      const items = value as readonly unknown[]
      if (items.some((item) => typeof item === 'object') || (items.length === 0 && isRequired))
        return undefined
      return isPositional ? items.map(String) : items.flatMap((item) => flagged(word, String(item)))
    }
    case 'text':
      return isPositional ? [String(value)] : flagged(word, String(value))
  }
}

function flagged(word: string, text: string): readonly string[] {
  return text.startsWith('-') ? [`${word}=${text}`] : [word, text]
}

export function at(body: Body, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, step) => (isMap(value) && Object.hasOwn(value, step) ? value[step] : undefined),
    body,
  )
}

function put(body: Body, [first = '', ...rest]: readonly string[], value: unknown): Body {
  if (rest.length === 0) return { ...body, [first]: value }
  const below = Object.hasOwn(body, first) ? body[first] : undefined
  return { ...body, [first]: put(isMap(below) ? below : {}, rest, value) }
}

function without(body: Body, [first = '', ...rest]: readonly string[]): Body {
  const { [first]: below, ...others } = body
  return rest.length > 0 && isMap(below) ? { ...others, [first]: without(below, rest) } : others
}

/** Groups that have been said to the end say nothing any more. */
function pruned(body: Body): Body {
  const kept = Object.entries(body).flatMap(([name, value]) => {
    if (!isMap(value)) return [[name, value] as const]
    const below = pruned(value)
    return Object.keys(below).length === 0 ? [] : [[name, below] as const]
  })
  return Object.fromEntries(kept)
}

export function isMap(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
