import type { z } from 'zod'
import { GatehouseError, type ErrorCode, type Fault } from '../errors.ts'

/** A fault and the path of its field, for those who know where that is written. */
export interface FieldFault extends Fault {
  readonly path: readonly PropertyKey[]
  /** It is asked for rightly, but nobody would hold anybody to it. */
  readonly isUnenforceable: boolean
}

/** What a schema made of something a person wrote: the value, or every fault of it. */
export type Checked<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly faults: readonly FieldFault[] }

/** Checks what documents and commands say, and tells each fault in words. The value that was wrong is never part of them. */
export function check<Schema extends z.ZodType>(schema: Schema, written: unknown): Checked<z.output<Schema>> {
  const parsed = schema.safeParse(written, { error: ruleOf })
  const faults = parsed.success ? [] : parsed.error.issues.flatMap((issue) => faultsOf(issue, []))
  const unspeakable = prototypeFault(written)
  if (unspeakable !== undefined && !faults.some(({ where }) => where === unspeakable.where))
    faults.push(unspeakable)
  return parsed.success && faults.length === 0 ? { ok: true, value: parsed.data } : { ok: false, faults }
}

/** To JavaScript no name of a field but of what it inherits: a schema leaves it out of a map without a word. */
const PROTOTYPE = '__proto__'

/** A value within a value, and where. */
interface Place {
  readonly value: unknown
  readonly key?: PropertyKey
  readonly within?: Place
}

/** The first field of that name, at whatever depth: a list of what is left to look at does not overflow as calls do. */
function prototypeFault(written: unknown): FieldFault | undefined {
  const left: Place[] = [{ value: written }]
  const seen = new Set<unknown>() // YAML can name one value many times.
  for (let place = left.pop(); place !== undefined; place = left.pop()) {
    const { value } = place
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    if (Object.hasOwn(value, PROTOTYPE))
      return located([...pathOf(place), PROTOTYPE], 'is no name for a field here')
    const isList = Array.isArray(value)
    for (const [key, inner] of Object.entries(value))
      left.push({ value: inner, key: isList ? Number(key) : key, within: place })
  }
  return undefined
}

function pathOf(place: Place): readonly PropertyKey[] {
  const path: PropertyKey[] = []
  for (let at: Place | undefined = place; at?.key !== undefined; at = at.within) path.unshift(at.key)
  return path
}

/** The first few are enough to see what is wrong; the list beside it is for who mends it. */
const SUMMARY_FAULTS_MAX = 10

/** The refusal that names every fault. */
export function faulty(faults: readonly Fault[], code: ErrorCode = 'invalid_request'): GatehouseError {
  const told = faults.slice(0, SUMMARY_FAULTS_MAX)
  const text = told.map(({ where, rule }) => (where === '' ? rule : `${where}: ${rule}`)).join('; ')
  const message = faults.length > told.length ? `${text}; and ${faults.length - told.length} more` : text
  return new GatehouseError(code, message, { faults })
}

/** Throws `invalid_request` if there is a fault. */
export function refuseFaults(faults: readonly Fault[]): void {
  if (faults.length > 0) throw faulty(faults)
}

function faultsOf(issue: z.core.$ZodIssue, parent: readonly PropertyKey[]): readonly FieldFault[] {
  const path = [...parent, ...issue.path]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => located([...path, key], 'is not a field that is known here'))
    case 'invalid_union':
      return alternatives(issue, path)
    case 'invalid_key':
      return [located(path, issue.issues.map(({ message }) => message).join('; '))]
    default:
      return [{ ...located(path, issue.message), isUnenforceable: isNever(issue) || isMarked(issue) }]
  }
}

/** A field that is there to say why it cannot be: what nobody would enforce. */
function isNever(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' && issue.expected === 'never'
}

/** A rule in code can say the same of what it refuses. */
function isMarked(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'custom' && issue.params?.['isUnenforceable'] === true
}

/** Of several forms, the faults of the one that was meant: the one of the kind that was written. */
function alternatives(
  issue: z.core.$ZodIssueInvalidUnion,
  path: readonly PropertyKey[],
): readonly FieldFault[] {
  const meant = issue.errors.find((faults) => !faults.some(isOfAnotherKind))
  if (meant !== undefined) return meant.flatMap((fault) => faultsOf(fault, path))
  const kinds = issue.errors.flatMap((faults) => faults.filter(isOfAnotherKind).map(({ message }) => message))
  return [located(path, issue.message === '' ? either(kinds) : issue.message)]
}

function isOfAnotherKind({ code, path }: z.core.$ZodIssue): boolean {
  return code === 'invalid_type' && path.length === 0
}

/** `must be text, not a number` and `must be a map of fields, not a number` are one sentence. */
function either(rules: readonly string[]): string {
  const [, tail = ''] = /(, not .*)$/.exec(rules[0] ?? '') ?? []
  const kinds = rules.map((rule) => rule.slice('must be '.length).replace(/, not .*$/, ''))
  return `must be ${list(kinds)}${tail.replace(QUOTES, '')}`
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of fields',
  record: 'a map of fields',
}
const QUOTES = ' (put it in quotes)'

/** The rule that is broken, in words. What a schema says about itself comes first. */
function ruleOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return ofAnotherKind(KINDS[issue.expected] ?? issue.expected, issue.input)
    case 'invalid_value':
      return orMissing(issue.input, `must be ${list(issue.values.map(String))}`)
    case 'invalid_union':
      return 'options' in issue ? discriminated(issue) : '' // The alternatives say it.
    case 'too_small':
      return bound(issue.origin, issue.minimum, 'least')
    case 'too_big':
      return bound(issue.origin, issue.maximum, 'most')
    default:
      return undefined
  }
}

function ofAnotherKind(expected: string, input: unknown): string {
  if (input === undefined) return orMissing(input, `must be ${expected}`)
  if (expected === KINDS['int'] && typeof input === 'number') return `must be ${expected}`
  const quotes = expected === KINDS['string'] && ['number', 'boolean'].includes(typeof input) ? QUOTES : ''
  return `must be ${expected}, not ${kindOf(input)}${quotes}`
}

function kindOf(input: unknown): string {
  if (input === null) return 'nothing (null)'
  return Array.isArray(input) ? 'a list' : (KINDS[typeof input] ?? typeof input)
}

function discriminated({ options, discriminator, input }: z.core.$ZodRawIssue): string {
  const written = (input as Readonly<Record<string, unknown>>)[String(discriminator)]
  return orMissing(written, `must be ${list((options as readonly unknown[]).map(String))}`)
}

function orMissing(input: unknown, rule: string): string {
  return input === undefined ? `is missing: ${rule}` : rule
}

function bound(origin: string, limit: number | bigint, side: 'least' | 'most'): string {
  const units: Readonly<Record<string, string>> = { string: 'character', array: 'entry' }
  const unit = units[origin]
  if (unit === undefined) return `must be at ${side} ${limit}`
  if (side === 'least' && limit === 1) return 'must not be empty'
  const plural = unit === 'entry' ? 'entries' : `${unit}s`
  return `must have at ${side} ${limit} ${Number(limit) === 1 ? unit : plural}`
}

function list(words: readonly string[]): string {
  const distinct = [...new Set(words)]
  const last = distinct.at(-1) ?? ''
  return distinct.length < 2 ? last : `${distinct.slice(0, -1).join(', ')} or ${last}`
}

function located(path: readonly PropertyKey[], rule: string): FieldFault {
  const where = path.reduce<string>(
    (text, step) =>
      typeof step === 'number' ? `${text}[${step}]` : text === '' ? String(step) : `${text}.${String(step)}`,
    '',
  )
  return { where, rule, path, isUnenforceable: false }
}
