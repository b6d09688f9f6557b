import { z } from 'zod'
import { UNSEEN } from '../domain/name.ts'
import {
  allowedSubjects,
  allowFault,
  deniedSubjects,
  denyFault,
  type SemanticPermission,
  type Unenforceable,
} from '../domain/semantic.ts'
import { KV_ACTIONS, OBJECT_ACTIONS } from '../domain/semantic-buckets.ts'
import { REQUEST_REPLY_ACTIONS, SERVICE_ACTIONS } from '../domain/semantic-services.ts'
import { CONSUMER_ACTIONS, STREAM_ACTIONS } from '../domain/semantic-streams.ts'
import { subscribeEntryFault } from '../domain/subject-entry.ts'
import { SUBJECT_LENGTH_MAX, subjectFault } from '../domain/subject.ts'
import { templateFault, templateSkeleton } from '../domain/template.ts'
import { ruled, VARIABLE } from './ruled.ts'

/** The lists `allow` and `deny` of a policy: what may be done, in the words of what it is done to. */

/** Entries of a list, and subjects or keys of one entry. */
const SEMANTIC_MAX = 1_000
const PARTS_MAX = 100
/** What each of both lists of a policy may come to: at forty bytes each a fifth of what a JWT may be. */
export const SEMANTIC_SUBJECTS_MAX = 5_000

const NAME_LENGTH_MAX = 255
const NAME = new RegExp(String.raw`^(?:${VARIABLE}|[^\s.*>{}/\\\u0000-\u001f\u007f-\u009f])+$`)
const BUCKET = new RegExp(`^(?:${VARIABLE}|[A-Za-z0-9_-])+$`)
const KEY_TOKEN = `(?:(?:${VARIABLE}|[-/=A-Za-z0-9_])+|[*])`
const KEY = new RegExp(`^(?:>|(?:${KEY_TOKEN}[.])*(?:${KEY_TOKEN}|>))$`)
const SUBJECT_TOKEN = String.raw`(?:${VARIABLE}|[^\s.{}\u0000-\u001f\u007f-\u009f])+`
const OWN_SUBJECT = new RegExp(`^(?![$]|[{]|[*](?:[.]|$)|>)(?:(?!>[.])${SUBJECT_TOKEN}[.])*${SUBJECT_TOKEN}$`)
const LITERAL_TOKEN = String.raw`(?:${VARIABLE}|[^\s.*>{}\u0000-\u001f\u007f-\u009f])+`
const LITERAL = new RegExp(`^(?:${LITERAL_TOKEN}[.])*${LITERAL_TOKEN}$`)

const WORD_RULE =
  'must begin with a word of its own: what begins with *, > or $ reaches the API of NATS, and what begins with a template whatever its value says; say that as a raw subject'

function nameRule(pattern: RegExp, rule: string) {
  return (text: string): string | undefined => {
    const fault = templateFault(text)
    if (fault !== undefined) return fault
    if (text === '') return 'must not be empty'
    if (text.length > NAME_LENGTH_MAX) return `must be at most ${NAME_LENGTH_MAX} characters`
    if (!pattern.test(text)) return rule
    return UNSEEN.test(text) ? 'must not contain characters that are not seen' : undefined
  }
}

const NO_WILDCARD = 'must be one name: no dots, spaces, slashes, * or >'
const named = (about: string) => ruled(nameRule(NAME, NO_WILDCARD), NAME).describe(about)
const bucket = (about: string) =>
  ruled(nameRule(BUCKET, 'must be the name of a bucket: letters, digits, _ or -'), BUCKET).describe(about)

const ANY_OR_NAME = new RegExp(`^[*]$|${NAME.source}`)
const consumerName = ruled(
  nameRule(ANY_OR_NAME, `${NO_WILDCARD}, but * alone for any consumer of the stream`),
  ANY_OR_NAME,
).describe('Its name, or * for any of the stream.')

function subjectRule(text: string): string | undefined {
  const fault = templateFault(text) ?? subjectFault(templateSkeleton(text))
  if (fault !== undefined) return fault
  return /^(?:\$|\{|\*(?:\.|$)|>)/.test(text) ? WORD_RULE : undefined
}
const ownSubject = ruled(subjectRule, OWN_SUBJECT).describe('A subject; * and > are wildcards.')

function literalRule(text: string): string | undefined {
  const fault = templateFault(text) ?? subjectFault(templateSkeleton(text))
  return fault ?? (LITERAL.test(text) ? undefined : 'must not have wildcards')
}
const queue = ruled(literalRule, LITERAL).describe('In this queue group only.').optional()

function keyRule(text: string): string | undefined {
  const fault = templateFault(text) ?? subjectFault(templateSkeleton(text))
  if (fault !== undefined) return fault
  return KEY.test(text)
    ? undefined
    : 'must be keys of letters, digits, -, _, = and /, with * and > as wildcards'
}
const keys = z
  .array(ruled(keyRule, KEY))
  .min(1)
  .max(PARTS_MAX)
  .optional()
  .describe('Patterns of keys: app.>, app.{{user.name}}.>. Absent: every key.')

const subjects = z.array(ownSubject).min(1).max(PARTS_MAX)

const PREFIX_RULE =
  'must not begin with $: an import maps to a word of its own, and for $JS.<domain>.API there is domain'
const PREFIX = new RegExp(`^(?![$])${LITERAL.source.slice(1)}`)

function prefixRule(text: string): string | undefined {
  return literalRule(text) ?? (text.startsWith('$') ? PREFIX_RULE : undefined)
}

const place = {
  domain: named('The JetStream domain. Absent: that of the account itself.').optional(),
  prefix: ruled(prefixRule, PREFIX)
    .optional()
    .describe("What an import maps another account's $JS.API to. Not beside domain."),
}

function actions<const Action extends string>(of: readonly [Action, ...Action[]], about: string) {
  return z.array(z.enum(of)).min(1).describe(about)
}

const kinds = {
  consumer: z.strictObject({
    consumer: consumerName,
    stream: named('The stream it is of.'),
    may: actions(CONSUMER_ACTIONS, 'use: pull and acknowledge. manage: create, change, delete it.'),
    ...place,
  }),
  stream: z.strictObject({
    stream: named('The stream.'),
    may: actions(
      STREAM_ACTIONS,
      'view: how it and its consumers are. read: its messages. write: its subjects. manage: create, change, purge, delete it.',
    ),
    subjects: subjects.optional().describe('What may be written, and what may be read. Absent: all is read.'),
    ...place,
  }),
  kv: z.strictObject({
    kv: bucket('The bucket.'),
    may: actions(
      KV_ACTIONS,
      'read: get. write: put and delete. watch: watch, list, history. manage: create, purge, delete it.',
    ),
    keys,
    ...place,
  }),
  object: z.strictObject({
    object: bucket('The bucket.'),
    may: actions(
      OBJECT_ACTIONS,
      'read: get. write: put and delete. watch: watch and list. manage: create, seal, delete it.',
    ),
    ...place,
  }),
  service: z.strictObject({
    service: named('The name of the micro service.'),
    may: actions(SERVICE_ACTIONS, 'request: ask it. serve: be it, and be found as it.'),
    subjects: subjects.describe('The subjects of its endpoints.'),
    queue,
  }),
  'request-reply': z.strictObject({
    'request-reply': ownSubject.describe('The subject of the requests.'),
    may: actions(REQUEST_REPLY_ACTIONS, 'request: ask. reply: hear requests, and answer each once.'),
    queue,
  }),
}

type Kind = keyof typeof kinds
/** A consumer is of a stream and names it, so it is looked for first. */
const KINDS = Object.keys(kinds) as Kind[]

type Subjective = (permission: SemanticPermission) => {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
}
interface Side {
  readonly subjects: Subjective
  readonly fault: (permission: SemanticPermission) => Unenforceable | undefined
}

/** One entry. Which fields it may have says the one that is its kind. */
function permission(side: Side): z.ZodType<SemanticPermission, Readonly<Record<string, unknown>>> {
  return z
    .record(z.string(), z.unknown())
    .transform((written, context): SemanticPermission => {
      const kind = KINDS.find((each) => each in written)
      if (kind === undefined) {
        const message = `must say what it is about: ${[...KINDS].sort().join(', ')}`
        context.issues.push({ code: 'custom', message, input: written })
        return z.NEVER
      }
      // The issues go up as they are, for the words that faults are told in are given to the outermost schema.
      const { value, issues } = parsed(kinds[kind], written)
      context.issues.push(...issues.map((issue) => ({ ...issue, continue: false })))
      if (issues.length > 0) return z.NEVER
      for (const { path, rule, isUnenforceable } of faultsOf(value, side))
        context.issues.push({
          code: 'custom',
          message: rule,
          path: [...path],
          input: written,
          params: { isUnenforceable },
        })
      return value
    })
    .meta({ anyOf: KINDS.map((kind) => schemaOf(kinds[kind])) })
}

function parsed(schema: (typeof kinds)[Kind], value: unknown) {
  const { value: read, issues } = schema._zod.run({ value, issues: [] }, { async: false }) as {
    readonly value: SemanticPermission
    readonly issues: z.core.$ZodRawIssue[]
  }
  return { value: read, issues }
}

function schemaOf(schema: (typeof kinds)[Kind]): z.core.JSONSchema.BaseSchema {
  const { $schema: _draft, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' })
  return rest
}

interface EntryFault {
  readonly path: readonly (string | number)[]
  readonly rule: string
  readonly isUnenforceable: boolean
}

function faultsOf(permission: SemanticPermission, side: Side): readonly EntryFault[] {
  const misplaced = misplacedFault(permission)
  if (misplaced !== undefined) return [{ ...misplaced, isUnenforceable: false }]
  const unenforceable = side.fault(permission)
  if (unenforceable !== undefined) {
    const { field, rule } = unenforceable
    const [, name = field, index] = /^(\w+)(?:\[(\d+)\])?$/.exec(field) ?? []
    return [{ path: index === undefined ? [name] : [name, Number(index)], rule, isUnenforceable: true }]
  }
  const { publish, subscribe } = side.subjects(permission)
  const isBad =
    publish.some((subject) => subjectFault(templateSkeleton(subject)) !== undefined) ||
    subscribe.some((entry) => subscribeEntryFault(templateSkeleton(entry)) !== undefined)
  const rule = `comes to a subject of more than ${SUBJECT_LENGTH_MAX} characters`
  return isBad ? [{ path: [], rule, isUnenforceable: false }] : []
}

/** What does not fit together. */
function misplacedFault(
  permission: SemanticPermission,
): { readonly path: readonly string[]; readonly rule: string } | undefined {
  if ('domain' in permission && permission.domain !== undefined && permission.prefix !== undefined)
    return { path: ['prefix'], rule: 'must not stand beside domain: say one of them' }
  if ('stream' in permission && !('consumer' in permission)) {
    const { may, subjects } = permission
    if (may.includes('write') && subjects === undefined)
      return { path: ['subjects'], rule: 'is missing: write needs the subjects that may be written' }
    if (subjects !== undefined && !may.includes('write') && !may.includes('read'))
      return { path: ['subjects'], rule: 'must not be said here: view and manage are of the whole stream' }
  }
  if ('kv' in permission && permission.keys !== undefined && permission.may.includes('manage'))
    return { path: ['keys'], rule: 'must not stand beside manage, which is of the whole bucket' }
  return undefined
}

function list(side: Side, about: string) {
  return z
    .array(permission(side))
    .max(SEMANTIC_MAX)
    .superRefine((entries, context) => {
      const count = entries.reduce((sum, entry) => {
        const { publish, subscribe } = side.subjects(entry)
        return sum + publish.length + subscribe.length
      }, 0)
      if (count <= SEMANTIC_SUBJECTS_MAX) return
      const message = `must come to at most ${SEMANTIC_SUBJECTS_MAX} subjects, not ${count}`
      context.addIssue({ code: 'custom', message })
    })
    .optional()
    .describe(about)
}

export const semanticLists = {
  allow: list(
    { subjects: allowedSubjects, fault: allowFault },
    'What may be done with streams, consumers, buckets and services.',
  ),
  deny: list(
    { subjects: deniedSubjects, fault: denyFault },
    'What must not be done with them, whatever allows it.',
  ),
}
