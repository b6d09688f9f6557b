import { Option, type Command as Program } from 'commander'
import type { Command } from '../admin/command.ts'
import type { Said } from './body.ts'
import { CREDENTIAL_FLAGS, CREDENTIALS_COMMAND } from './credentials.ts'
import { exampleOf } from './example.ts'
import { fieldsOf, type Field, type Fields } from './fields.ts'
import { addConnectionOptions } from './options.ts'
import { replaces } from './replacing.ts'
import { isPaged } from './run-command.ts'

/** A command as the parser knows it, and how its fields are said there. */
export interface Declared {
  readonly program: Program
  readonly fields: Fields
  /** How many come as positionals. */
  readonly places: number
}

/** Tells the parser what a command takes. `word` is what it is called under its parent. */
export function declare(parent: Program, word: string, command: Command): Declared {
  const { fields, unsaid } = fieldsOf(command)
  const program = parent.command(word).description(command.summary)
  const places = fields.filter(({ isPositional }) => isPositional)
  for (const { word, kind, description, choices } of places) {
    const words = choices.length === 0 ? description : `${description} (${choices.join(' or ')})`
    program.argument(kind === 'list' ? `[${word}...]` : `[${word}]`, words) // `--from` may say it.
  }
  program.usage([...places.map(inUsage), '[options]'].join(' '))

  // `limit` of a list counts what is shown, not what one page holds.
  const said = fields.filter(({ path }) => !(isPaged(command) && path[0] === 'limit'))
  for (const field of said.filter(({ isPositional }) => !isPositional))
    for (const option of optionsFor(field)) program.addOption(option)
  if (isPaged(command)) program.option('--limit <n>', 'how many at most; all of them when it is absent')
  if (command.name === CREDENTIALS_COMMAND)
    for (const [flag, description] of CREDENTIAL_FLAGS) program.option(flag, description)
  if (replaces(command)) {
    program.option('--clear', 'take it away: without a word of what it should be, that has to be said')
    program.addHelpText('after', '\nWhat is not named is taken away.')
  }
  addCommonOptions(program, { fields, unsaid })
  if (command.line?.exits !== undefined) program.addHelpText('after', `\nExit code: ${command.line.exits}.`)
  program.addHelpText('after', () => `\nExample:\n${exampleOf(command, { fields, unsaid })}`)
  return { program, fields: { fields: said, unsaid }, places: places.length }
}

function inUsage({ word, kind, isRequired }: Field): string {
  if (isRequired) return `<${word}>`
  return kind === 'list' ? `[${word}...]` : `[${word}]`
}

function optionsFor(field: Field): readonly Option[] {
  const { kind, word, placeholder, description, choices } = field
  switch (kind) {
    case 'switch':
      return [
        new Option(word, description),
        new Option(word.replace('--', '--no-'), `The opposite of ${word}.`),
      ]
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
      if (choices.length > 0) option.argChoices = [...choices] // Told only: the schema says what is wrong with another.
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

/** What was said of the fields, from what the parser hands to an action: positionals first. */
export function saidOf({ program, fields: { fields } }: Declared, positionals: readonly unknown[]): Said {
  const given = program.opts<Readonly<Record<string, unknown>>>()
  const places = fields.filter(({ isPositional }) => isPositional)
  const said = new Map<Field, string | boolean | readonly string[]>()
  for (const field of fields) {
    const { word, isPositional } = field
    const value = isPositional ? positionals[places.indexOf(field)] : given[attributeOf(word)]
    const isSaid = value !== undefined && !(isPositional && Array.isArray(value) && value.length === 0)
    if (isSaid) said.set(field, value as string | boolean | readonly string[])
  }
  return said
}

function attributeOf(flag: string): string {
  return new Option(flag).attributeName()
}
