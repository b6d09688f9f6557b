import { stringify } from 'yaml'
import type { Command } from '../admin/command.ts'
import { speak } from './body.ts'
import { CREDENTIALS_COMMAND, CREDENTIALS_EXAMPLE } from './credentials.ts'
import type { Fields } from './fields.ts'

/** The example of a command as a person types it, with the document that says what flags cannot. */
export function exampleOf({ name, line, example }: Command, fields: Fields): string {
  const secrets = fields.fields.filter(({ kind }) => kind === 'secret')
  const files = secrets.flatMap(({ word, path }) => [word, `${path.join('-')}.txt`])
  const shown = Object.fromEntries(
    Object.entries(example).filter(([key]) => !secrets.some(({ path }) => path[0] === key)),
  )
  const { args, document } = speak(fields, shown)
  const words = [
    'gatehouse',
    ...(line === undefined ? name.split('.') : [line.word]),
    ...[...args, ...files].map(quoted),
  ]
  if (name === CREDENTIALS_COMMAND) return `  ${[...words, CREDENTIALS_EXAMPLE].join(' ')}`
  if (Object.keys(document).length === 0) return `  ${words.join(' ')}`
  const lines = stringify(document).trimEnd().split('\n')
  return [
    `  ${[...words, '--from', '-'].join(' ')} <<'END'`,
    ...lines.map((line) => `  ${line}`),
    '  END',
  ].join('\n')
}

/** For a shell. */
export function quoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
