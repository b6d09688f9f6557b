import { isCollection, isMap, isScalar, LineCounter, parseAllDocuments, visit, type Document } from 'yaml'
import { z } from 'zod'
import { GatehouseError, type Fault } from '../errors.ts'
import {
  anyDocument,
  type AccountDocument,
  type AnyDocument,
  type OperatorDocument,
  type PolicyDocument,
  type RoleDocument,
} from './document-schemas.ts'
import { check } from './faults.ts'

/** One document and the place where people find it. */
export interface Declared<Content> {
  readonly content: Content
  /** `file:line:column` of a field, for faults found later. */
  readonly locate: (path: readonly PropertyKey[]) => string
}

export interface Documents {
  readonly operators: readonly Declared<OperatorDocument>[]
  readonly accounts: readonly Declared<AccountDocument>[]
  readonly policies: readonly Declared<PolicyDocument>[]
  readonly roles: readonly Declared<RoleDocument>[]
  /** Every document, those with faults too: what it declares and whom it names, as far as that can be read. */
  readonly outlines: readonly Outline[]
  /** What is wrong with each of them by itself. */
  readonly faults: readonly Fault[]
}

const text = z.string().optional().catch(undefined)
const texts = z.array(text).catch([])
const outlineSchema = z.object({
  kind: text,
  name: text,
  account: text,
  defaultPolicy: z.string().nullable().optional().catch(undefined),
  boundaryPolicy: text,
  expiresAt: text,
  limits: z.record(z.string(), z.unknown()).catch({}),
  policies: texts,
  roles: texts,
  imports: z.array(z.object({ account: text }).catch({ account: undefined })).catch([]),
  users: z.array(z.object({ policies: texts, roles: texts }).catch({ policies: [], roles: [] })).catch([]),
})

/** The names in a document. `undefined` is a name that is absent, or cannot be read. */
export interface Outline extends z.output<typeof outlineSchema> {
  readonly locate: (path: readonly PropertyKey[]) => string
}

const ALIASES_MAX = 100

/** A file as it was read: YAML, one document or several. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/**
 * Reads all documents, checks each field and that they fit together. Throws `invalid_document` with every fault
 * of every file, each with file, line, column, field and rule; then nothing may be applied.
 */
export function parseDocuments(files: readonly SourceFile[]): Documents {
  const documents = readDocuments(files)
  refuse(documents.faults)
  return documents
}

/**
 * Reads all documents, with their faults: for `plan`, which tells them together with the names that lead nowhere.
 * What leads nowhere only the state can say, for it may hold more than the documents declare.
 */
export function readDocuments(files: readonly SourceFile[]): Documents {
  const faults: Fault[] = []
  const outlines: Outline[] = []
  const declared = files.flatMap((file) => parseFile(file, anyDocument, { faults, outlines }))
  const documents: Documents = {
    outlines,
    faults,
    operators: declared.filter(isOf('operator')),
    accounts: declared.filter(isOf('account')),
    policies: declared.filter(isOf('policy')),
    roles: declared.filter(isOf('role')),
  }
  faults.push(...duplicates(documents))
  return documents
}

/** Throws `invalid_document` when there is a fault. `outcome` says what was not done because of it. */
export function refuse(faults: readonly Fault[], outcome = 'nothing was applied'): void {
  if (faults.length === 0) return
  const list = faults.map(({ where, rule }) => `  ${where}: ${rule}`).join('\n')
  throw new GatehouseError('invalid_document', `the documents have faults, ${outcome}\n${list}`, {
    faults,
  })
}

function isOf<Kind extends AnyDocument['kind']>(kind: Kind) {
  return (declared: Declared<AnyDocument>): declared is Declared<Extract<AnyDocument, { kind: Kind }>> =>
    declared.content.kind === kind
}

/** What is found beside the documents that are as they should be. */
interface Findings {
  readonly faults: Fault[]
  readonly outlines: Outline[]
}

/** The documents of a file that are as the schema says; whatever else is in it is a fault. */
export function parseFile<Schema extends z.ZodType>(
  file: SourceFile,
  schema: Schema,
  { faults, outlines }: Findings,
): Declared<z.output<Schema>>[] {
  const lines = new LineCounter()
  const parsed = parseAllDocuments(file.text, { lineCounter: lines, uniqueKeys: true, stringKeys: true })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${file.path}:${Math.max(line, 1)}:${Math.max(col, 1)}`
  }
  // Nothing between two `---` is a habit; a file of nothing is a mistake.
  const documents = [...parsed].filter((document) => document.errors.length > 0 || !isNothing(document))
  if (documents.length === 0) faults.push({ where: at(0), rule: 'declares nothing: fill it, or remove it' })
  else if (documents.every(({ errors }) => errors.length === 0)) faults.push(...jsonFaults(file, at))
  return documents.flatMap((document) => {
    const mistakes = [...yamlFaults(document, at)]
    const written = mistakes.length === 0 ? plain(document, at, mistakes) : undefined
    faults.push(...mistakes)
    const locate = (path: readonly PropertyKey[]): string => at(offsetOf(document, path))
    outlines.push({ ...outlineOf(written ?? topLevel(document)), locate })
    if (written === undefined) return []
    const checked = check(schema, written)
    if (checked.ok) return [{ content: checked.value, locate }]
    for (const { path, where, rule } of checked.faults) {
      faults.push({ where: `${locate(path)}${where === '' ? '' : ` ${where}`}`, rule })
    }
    return []
  })
}

/** A file that is called JSON is read by tools that take nothing else; most of what is no JSON is YAML all the same. */
function jsonFaults({ path, text }: SourceFile, at: (offset: number) => string): readonly Fault[] {
  if (!path.endsWith('.json')) return []
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''))
    return []
  } catch (error) {
    // Its words quote the file, and where it is it says only sometimes.
    const [, offset = '0'] = /at position (\d+)/.exec(error instanceof Error ? error.message : '') ?? []
    return [{ where: at(Number(offset)), rule: 'is not JSON: what is YAML goes into a .yaml file' }]
  }
}

function outlineOf(written: unknown): z.output<typeof outlineSchema> {
  const outline = outlineSchema.safeParse(written)
  return outline.success ? outline.data : outlineSchema.parse({})
}

/** What can still be read of broken YAML: kind, name and account lie on top. */
function topLevel(document: Document): unknown {
  if (!isMap(document.contents)) return undefined
  return Object.fromEntries(['kind', 'name', 'account'].map((key) => [key, document.get(key)]))
}

function isNothing({ contents }: Document): boolean {
  return contents === null || (isScalar(contents) && contents.value === null)
}

function yamlFaults(document: Document, at: (offset: number) => string): readonly Fault[] {
  const faults = document.errors.map(({ pos, message }) => ({
    where: at(pos[0]),
    rule: (message.split('\n')[0] ?? message).replace(/ at line \d.*$/, ''),
  }))
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return
      faults.push({ where: at(rangeStart(alias)), rule: `there is no anchor &${alias.source} before this` })
    },
  })
  return faults
}

/** The document as plain values; a few lines of aliases can mean gigabytes, so their number is bounded. */
function plain(
  document: Document,
  at: (offset: number) => string,
  faults: Fault[],
): Readonly<Record<string, unknown>> | undefined {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX }) as Readonly<Record<string, unknown>>
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error
    faults.push({ where: at(rangeStart(document.contents)), rule: 'says too much by aliases: write it out' })
    return undefined
  }
}

/** Where the deepest part of the path that is written begins; a missing field is told at its parent. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let offset = rangeStart(document.contents)
  for (let length = 1; length <= path.length; length += 1) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    if (!isCollection(parent)) break
    const key = path[length - 1]
    const item = parent.items.find((entry, index) => keyOf(entry, index) === key)
    const found = rangeStart(keyNode(item)) || rangeStart(item)
    if (found === 0) break
    offset = found
  }
  return offset
}

function keyNode(item: unknown): unknown {
  return item !== null && typeof item === 'object' && 'key' in item ? item.key : undefined
}

function keyOf(item: unknown, index: number): unknown {
  const key = keyNode(item)
  return key !== null && typeof key === 'object' && 'value' in key ? key.value : index
}

function rangeStart(node: unknown): number {
  if (node === null || typeof node !== 'object' || !('range' in node) || !Array.isArray(node.range)) return 0
  return Number(node.range[0])
}

/** The same thing declared twice is a fault of the second place. */
function duplicates({ operators, accounts, policies, roles }: Documents): readonly Fault[] {
  const seen = new Set<string>()
  const faults: Fault[] = []
  const declare = (what: string, identity: string, where: string): void => {
    if (seen.has(identity)) faults.push({ where, rule: `${what} is declared twice` })
    seen.add(identity)
  }
  for (const { locate } of operators) declare('the operator', 'operator', `${locate(['name'])} name`)
  for (const { content, locate } of [...policies, ...roles]) {
    const { kind, name, account = '' } = content
    declare(`${kind} "${name}"`, `${kind} ${account} ${name}`, `${locate(['name'])} name`)
  }
  for (const { content, locate } of accounts) {
    declare(`account "${content.name}"`, `account ${content.name}`, `${locate(['name'])} name`)
    content.users.forEach((user, index) => {
      const identity = `user ${content.name} ${user.name}`
      declare(`user "${user.name}"`, identity, `${locate(['users', index, 'name'])} users[${index}].name`)
    })
  }
  return faults
}
