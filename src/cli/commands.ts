import { Option, type Command as Program } from 'commander'
import type { Command } from '../admin/command.ts'
import type { Said } from './body.ts'
import { CREDENTIAL_FLAGS, CREDENTIALS_COMMAND, type CredentialFlags } from './credentials.ts'
import { exampleOf } from './example.ts'
import { reporting } from './failure.ts'
import { fieldsOf, type Field, type Fields } from './fields.ts'
import { addConnectionOptions, formatOf, misused, timeoutOf, type ConnectionFlags } from './options.ts'
import { isPaged, runCommand, type CommonFlags } from './run-command.ts'
import type { Shell } from './shell.ts'

/** `gatehouse <aggregate> <verb>` for every command there is: what is registered appears here by itself. */
export function addCommands(program: Program, commands: readonly Command[], shell: Shell): void {
  program.enablePositionalOptions() // Or --version of a policy would be that of the program.
  const groups = new Map<string, Program>()
  for (const command of commands) {
    const [aggregate = '', verb] = command.name.split('.')
    if (verb === undefined) addCommand(program, { word: aggregate, command }, shell)
    else {
      const group = groups.get(aggregate) ?? addGroup(program, aggregate)
      groups.set(aggregate, group)
      addCommand(group, { word: verb, command }, shell)
    }
  }
}

function addGroup(program: Program, aggregate: string): Program {
  return program
    .command(aggregate)
    .description(`Commands on ${plural(aggregate)}.`)
    .helpGroup('Commands over NATS:')
}

export function plural(aggregate: string): string {
  if (aggregate === 'operator') return 'the operator'
  return aggregate.endsWith('y') ? `${aggregate.slice(0, -1)}ies` : `${aggregate}s`
}

interface Registered {
  /** What it is called under its parent. */
  readonly word: string
  readonly command: Command
}

function addCommand(parent: Program, { word, command }: Registered, shell: Shell): void {
  const fields = fieldsOf(command.request)
  const mine = parent.command(word).description(command.summary)
  for (const { word, description } of fields.fields.filter(({ isPositional }) => isPositional))
    mine.argument(`[${word}]`, description) // Optional to commander: `--from` may say it.
  const shown = fields.fields.filter(({ isPositional }) => isPositional).map((field) => `<${field.word}>`)
  mine.usage([...shown, '[options]'].join(' '))
  const flags = fields.fields.filter(({ isPositional, path }) => !isPositional && !isOwn(command, path))
  for (const field of flags) for (const option of optionsFor(field)) mine.addOption(option)
  if (isPaged(command)) mine.option('--limit <n>', 'how many at most; all of them when it is absent')
  if (command.name === CREDENTIALS_COMMAND)
    for (const [flag, description] of CREDENTIAL_FLAGS) mine.option(flag, description)
  addCommonOptions(mine, fields)
  mine.addHelpText('after', () => `\nExample:\n${exampleOf(command, fields)}`)
  mine.action(async (...received: unknown[]) => {
    const given = mine.opts<Given>()
    await reporting({ shell, given, asked: command.name }, () => {
      const said = saidOf(fields, { given, positionals: received.slice(0, shown.length) })
      const flags = { ...given, format: formatOf(given), timeoutMs: timeoutOf(given) }
      return runCommand({ command, fields, said, flags, limit: limitOf(given, command) }, shell)
    })
  })
}

/** `limit` of a list counts what is shown, not what one page holds. */
function isOwn(command: Command, path: readonly string[]): boolean {
  return isPaged(command) && path.join('.') === 'limit'
}

type Given = ConnectionFlags &
  Omit<CommonFlags, 'format' | 'timeoutMs'> &
  CredentialFlags &
  Readonly<Record<string, unknown>> & { readonly limit?: string }

function optionsFor(field: Field): readonly Option[] {
  const { kind, word, placeholder, description, choices } = field
  switch (kind) {
    case 'switch':
      return [new Option(word, description), new Option(word.replace('--', '--no-'), 'The opposite.')]
    case 'presence':
      return [new Option(word, description)]
    case 'list':
    case 'map': {
      const option = new Option(`${word} <${placeholder}>`, description)
      return [
        option.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]),
      ]
    }
    case 'secret':
    case 'text': {
      const option = new Option(`${word} <${placeholder}>`, description).hideHelp(field.isHidden)
      option.argChoices = [...choices] // For completion. The schema says what is wrong with another.
      return [option]
    }
  }
}

const COMMAND_FLAGS = [
  ['--from <file>', 'a file of YAML or JSON, or -, with fields of the request; flags go over it'],
  ['--if-revision <n>', 'do it only if what it changes is still at this revision'],
  ['--command-id <id>', 'repeating a command with its id within a day gives the first answer again'],
  ['--correlation-id <text>', 'goes into every event of the command'],
] as const

function addCommonOptions(program: Program, { unsaid }: Fields): void {
  const only =
    unsaid.length === 0 ? '' : `; it alone can say ${unsaid.map(({ path }) => path.join('.')).join(', ')}`
  for (const [flag, description] of COMMAND_FLAGS)
    program.option(flag, flag.startsWith('--from') ? `${description}${only}` : description)
  addConnectionOptions(program)
}

interface Words {
  readonly given: Given
  readonly positionals: readonly unknown[]
}

function saidOf({ fields }: Fields, { given, positionals }: Words): Said {
  const places = fields.filter(({ isPositional }) => isPositional)
  const said = new Map<Field, string | boolean | readonly string[]>()
  for (const field of fields) {
    const { word, isPositional } = field
    const value = isPositional ? positionals[places.indexOf(field)] : given[attributeOf(word)]
    if (value !== undefined) said.set(field, value as string | boolean | readonly string[])
  }
  return said
}

function attributeOf(flag: string): string {
  return new Option(flag).attributeName()
}

function limitOf({ limit }: Given, command: Command): number | undefined {
  if (limit === undefined || !isPaged(command)) return undefined
  if (/^[1-9]\d{0,8}$/.test(limit)) return Number(limit)
  throw misused('--limit', 'must be a whole number, at least 1')
}
