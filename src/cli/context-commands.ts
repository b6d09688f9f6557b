import { resolve } from 'node:path'
import type { Command as Program } from 'commander'
import { CONTEXT_ARGUMENT } from './completion.ts'
import { openContexts, type Context } from './contexts.ts'
import { reporting } from './failure.ts'
import { checkedInboxPrefix } from './inbox-prefix.ts'
import { addOutputOptions, formatOf, misused, type ConnectionFlags } from './options.ts'
import { written } from './output.ts'
import { refuseSecretIn } from './server-url.ts'
import type { Shell } from './shell.ts'
import { facts, table } from './table.ts'

interface AddFlags {
  readonly server?: string
  readonly tokenFile?: string
  readonly creds?: string
  readonly user?: string
  readonly passwordFile?: string
  readonly inboxPrefix?: string
  readonly description?: string
  readonly select?: true
}

/** `gatehouse context …`: where to send commands and as whom, under a name. */
export function addContextCommands(program: Program, shell: Shell): void {
  const group = program
    .command('context')
    .description('Where to send commands, and as whom, under a name.')
    .helpGroup('Contexts:')
  addAdd(group, shell)
  addList(group, shell)
  addShow(group, shell)
  addOneName(group, shell, { word: 'select', does: 'Uses a context from now on.' })
  addOneName(group, shell, { word: 'rm', does: 'Removes a context. The files that it names stay.' })
}

function addAdd(group: Program, shell: Shell): void {
  group
    .command('add <name>')
    .description('Adds a context, or replaces one.')
    .option('--server <url>', 'the NATS server, or several with commas between them')
    .option('--token-file <file>', 'a file with the token to connect with')
    .option('--creds <file>', 'a creds file to connect with')
    .option('--user <name>', 'the user to connect as, with --password-file')
    .option('--password-file <file>', 'a file with its password')
    .option('--inbox-prefix <prefix>', 'where replies come in, for a user whose inbox is private')
    .option('--description <text>', 'what it is for')
    .option('--select', 'use it from now on')
    .addHelpText(
      'after',
      '\nExample:\n  gatehouse context add prod --server tls://nats.example.com --token-file ~/.config/prod.token --select',
    )
    .action((name: string, flags: AddFlags) =>
      reporting({ shell, given: { ...flags } }, () => {
        const contexts = openContexts(shell.env)
        contexts.write(name, contextOf(flags))
        if (flags.select === true) contexts.select(name)
        const hint =
          contexts.selected() === name ? '' : `: gatehouse context select ${name} uses it from now on`
        shell.terminal.err.write(`gatehouse: added context "${name}"${hint}\n`)
        return Promise.resolve()
      }),
    )
}

/** Files by their whole path: the next command may be sent from elsewhere. */
function contextOf(flags: AddFlags): Context {
  const { server, tokenFile, creds, user, passwordFile, inboxPrefix, description } = flags
  if (server === undefined) throw misused('--server', 'is missing: must be the URL of a NATS server')
  refuseSecretIn(server, '--server')
  const ways = [tokenFile, creds, user].filter((way) => way !== undefined)
  if (ways.length > 1) throw misused('--token-file, --creds and --user', 'must not stand beside each other')
  if ((user === undefined) !== (passwordFile === undefined))
    throw misused('--user', 'must stand beside --password-file, and the other way round')
  return {
    ...(description !== undefined && { description }),
    server,
    ...(tokenFile !== undefined && { tokenFile: resolve(tokenFile) }),
    ...(creds !== undefined && { creds: resolve(creds) }),
    ...(user !== undefined && { user }),
    ...(passwordFile !== undefined && { passwordFile: resolve(passwordFile) }),
    ...(inboxPrefix !== undefined && { inboxPrefix: checkedInboxPrefix(inboxPrefix, '--inbox-prefix') }),
  }
}

function addList(group: Program, shell: Shell): void {
  const list = group.command('list').alias('ls').description('Lists the contexts.')
  addOutputOptions(list)
  list.addHelpText('after', '\nExample:\n  gatehouse context list').action((flags: ConnectionFlags) =>
    reporting({ shell, given: { ...flags } }, async () => {
      const format = formatOf(flags)
      const contexts = openContexts(shell.env)
      const selected = contexts.selected()
      const items = contexts.names().map((name) => {
        const { server, description } = contexts.read(name)
        return { name, server, selected: name === selected, description }
      })
      const { out, err } = shell.terminal
      if (items.length === 0 && format === 'table') err.write('gatehouse: there is none\n')
      else if (format !== 'table') await shell.print(written({ items }, format))
      else await shell.print(table(items, ['name', 'server', 'selected', 'description'], out))
    }),
  )
}

function addShow(group: Program, shell: Shell): void {
  const show = group
    .command(`show [${CONTEXT_ARGUMENT}]`)
    .description('Shows a context; without a name, the selected one. Secrets are not in it.')
  addOutputOptions(show)
  show.addHelpText('after', '\nExample:\n  gatehouse context show prod')
  show.action((name: string | undefined, flags: ConnectionFlags) =>
    reporting({ shell, given: { ...flags } }, async () => {
      const format = formatOf(flags)
      const contexts = openContexts(shell.env)
      const wanted = name ?? contexts.selected()
      if (wanted === undefined) throw misused(`<${CONTEXT_ARGUMENT}>`, 'is missing: no context is selected')
      const shown = { name: wanted, ...contexts.read(wanted) }
      await shell.print(format === 'table' ? facts(shown, shell.terminal.out) : written(shown, format))
    }),
  )
}

interface OneName {
  readonly word: 'select' | 'rm'
  readonly does: string
}

function addOneName(group: Program, shell: Shell, { word, does }: OneName): void {
  group
    .command(`${word} <${CONTEXT_ARGUMENT}>`)
    .description(does)
    .addHelpText('after', `\nExample:\n  gatehouse context ${word} prod`)
    .action((name: string) =>
      reporting({ shell, given: {} }, () => {
        const contexts = openContexts(shell.env)
        if (word === 'select') contexts.select(name)
        else contexts.remove(name)
        const done = word === 'select' ? 'selected' : 'removed'
        shell.terminal.err.write(`gatehouse: ${done} context "${name}"\n`)
        return Promise.resolve()
      }),
    )
}
