import type { Command as Program } from 'commander'
import type { Command } from '../admin/command.ts'
import type { Said } from './body.ts'
import type { CredentialFlags } from './credentials.ts'
import { declare, saidOf } from './declare.ts'
import { reporting } from './failure.ts'
import { formatOf, misused, timeoutOf, type ConnectionFlags } from './options.ts'
import { isPaged, runCommand, type CommonFlags } from './run-command.ts'
import type { Shell } from './shell.ts'

/** `gatehouse <aggregate> <verb>` for every command there is: what is registered appears here by itself. */
export function addCommands(program: Program, commands: readonly Command[], shell: Shell): void {
  program.enablePositionalOptions() // Or --version of a policy would be that of the program.
  const groups = new Map<string, Program>()
  for (const command of commands) {
    const [aggregate = '', verb] = command.name.split('.')
    if (command.line !== undefined)
      addCommand(program, { word: command.line.word, command }, shell).helpGroup('Commands over NATS:')
    else if (verb === undefined) addCommand(program, { word: aggregate, command }, shell)
    else {
      const group = groups.get(aggregate) ?? addGroup(program, aggregate)
      groups.set(aggregate, group)
      addCommand(group, { word: verb, command }, shell)
    }
  }
  for (const group of groups.values()) group.summary(group.commands.map((each) => each.name()).join(', '))
}

function addGroup(program: Program, aggregate: string): Program {
  return program
    .command(aggregate)
    .description(
      aggregate === 'explain' ? 'Why somebody may do what it may.' : `Commands on ${plural(aggregate)}.`,
    )
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

type Given = ConnectionFlags &
  Omit<CommonFlags, 'format' | 'timeoutMs'> &
  CredentialFlags &
  Readonly<Record<string, unknown>> & { readonly limit?: string }

function addCommand(parent: Program, { word, command }: Registered, shell: Shell): Program {
  const declared = declare(parent, word, command)
  const { program, fields, places } = declared
  return program.action(async (...received: unknown[]) => {
    const given = program.opts<Given>()
    const said = saidOf(declared, received.slice(0, places))
    await reporting({ shell, given, asked: command.name, names: namesIn(said) }, () => {
      const flags = { ...given, format: formatOf(given), timeoutMs: timeoutOf(given) }
      return runCommand({ command, fields, said, flags, limit: limitOf(given, command) }, shell)
    })
  })
}

/** What was typed in one word, by field. */
function namesIn(said: Said): Readonly<Record<string, string>> {
  const words = [...said].flatMap(([{ path }, value]) =>
    path.length === 1 && typeof value === 'string' ? [[path[0], value] as const] : [],
  )
  return Object.fromEntries(words) as Readonly<Record<string, string>>
}

function limitOf({ limit }: Given, command: Command): number | undefined {
  if (limit === undefined || !isPaged(command)) return undefined
  if (/^[1-9]\d{0,8}$/.test(limit)) return Number(limit)
  throw misused('--limit', 'must be a whole number, at least 1')
}
