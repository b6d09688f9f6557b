import { readFile } from 'node:fs/promises'
import { format, resolveConfig } from 'prettier'
import type { Command } from '../../src/admin/command.ts'
import { commandSchemas } from '../../src/admin/json-schemas.ts'

/** The part of docs/commands.md that is made from the commands themselves begins after this line. */
const MARKER = '<!-- What follows is made from the code: npm run schemas -->'

/** The whole page as it should be: what people wrote before the marker, and what the commands say of themselves. */
export async function commandsPage(file: string, commands: readonly Command[]): Promise<string> {
  const [written = '', ...rest] = (await readFile(file, 'utf8')).split(MARKER)
  if (rest.length === 0) throw new Error(`${file} has no line ${MARKER}`)
  const text = `${written}${MARKER}\n\n${aggregates(commands).join('\n\n')}\n`
  return format(text, { ...(await resolveConfig(file)), filepath: file })
}

function* grouped(commands: readonly Command[]): Generator<[string, readonly Command[]]> {
  const names = new Set(commands.map(({ name }) => aggregateOf(name)))
  for (const name of names) yield [name, commands.filter((each) => aggregateOf(each.name) === name)]
}

function aggregateOf(name: string): string {
  return name.includes('.') ? name.slice(0, name.indexOf('.')) : 'identity'
}

function aggregates(commands: readonly Command[]): string[] {
  return [...grouped(commands)].flatMap(([name, group]) => [`## ${name}`, ...group.map(commandSection)])
}

const SENDERS = {
  admin: 'admins of the system',
  account: 'admins of the system; admins of an account, for their own',
  everyone: 'everybody',
}

function commandSection(command: Command): string {
  const { request, response } = commandSchemas(command)
  return [
    `### \`auth.v1.${command.name}\``,
    command.summary,
    `Sent by ${SENDERS[command.access]}.`,
    `\`\`\`sh\nnats req auth.v1.${command.name} '${JSON.stringify(command.example)}'\n\`\`\``,
    table('field', rowsOf(request, ENVELOPE)),
    table('reply', rowsOf(response, ANSWERED)),
  ].join('\n\n')
}

/** What the part that people wrote says once, for all of them. */
const ENVELOPE = ['commandId', 'correlationId', 'ifRevision']
const ANSWERED = ['revision', 'events', 'behind', 'connections']

interface Schema {
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly enum?: readonly unknown[]
  readonly const?: string
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly not?: object
  readonly default?: unknown
}

function rowsOf(schema: Schema, left: readonly string[]): readonly string[] {
  return [...rows(schema, '')]
    .filter(([path]) => !left.includes(path.split(/[.[]/)[0] ?? ''))
    .map(([, row]) => row)
}

/** Fields below a field are rows of their own: `limits.jetstream.disk`. */
function* rows(schema: Schema, prefix: string): Generator<[string, string]> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const path = `${prefix}${name}`
    const isRequired = schema.required?.includes(name) === true && field.default === undefined
    if (field.not !== undefined) continue // It is there to say that it cannot be.
    yield [
      path,
      `| \`${path}\` | ${kindOf(field)}${isRequired ? '' : ', optional'} | ${field.description ?? ''} |`,
    ]
    yield* rows(field, `${path}.`)
    for (const form of formsOf(field.items)) yield* rows(form, `${path}[].`)
  }
}

function formsOf(schema: Schema | undefined): readonly Schema[] {
  return schema === undefined ? [] : (schema.oneOf ?? schema.anyOf ?? [schema])
}

function kindOf(schema: Schema): string {
  const forms = schema.anyOf ?? schema.oneOf
  if (forms !== undefined) return [...new Set(forms.map(kindOf))].join(' or ')
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (schema.type === 'array') return `list of ${kindOf(schema.items ?? {})}`
  if (schema.type === 'object')
    return typeof schema.additionalProperties === 'object' ? 'map of text' : 'fields'
  return { string: 'text', integer: 'whole number', boolean: 'true or false' }[schema.type ?? ''] ?? 'number'
}

function table(heading: string, rows: readonly string[]): string {
  if (rows.length === 0) return heading === 'field' ? 'No fields.' : ''
  return [`| ${heading} | | |`, '| --- | --- | --- |', ...rows].join('\n')
}
