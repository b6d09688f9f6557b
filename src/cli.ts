import { fileURLToPath } from 'node:url'
import { Command, CommanderError } from 'commander'
import type { UpFlags } from './config.ts'
import { readUpConfig } from './config.ts'
import { commands } from './admin/commands.ts'
import { addCommands } from './cli/commands.ts'
import { addContextCommands } from './cli/context-commands.ts'
import { addDocumentCommands } from './cli/document-commands.ts'
import { tellMisuse } from './cli/failure.ts'
import { openInputs } from './cli/inputs.ts'
import { addCompletionCommand, addEventCommands } from './cli/other-commands.ts'
import { addPolicyCommands } from './cli/policy-commands.ts'
import { printer, type Shell } from './cli/shell.ts'
import { outlet } from './cli/terminal.ts'
import { GatehouseError } from './errors.ts'
import { VERSION } from './version.ts'

const terminal = { out: outlet(process.stdout), err: outlet(process.stderr) }
const packageDir = fileURLToPath(new URL('..', import.meta.url))
const stop = new AbortController()
const shell: Shell = {
  env: process.env,
  terminal,
  packageDir,
  inputs: openInputs(process.stdin, terminal.err),
  print: printer(process.stdout),
  nowMs: Date.now,
  interruption,
}

/** The terminal sends Ctrl-C to us, and npm hands on the one that it got: what comes this soon is the same wish. */
const SAME_WISH_MS = 1_000
let askedAtMs: number | undefined

const program = new Command('gatehouse')
  .description('A NATS-native auth callout service.')
  .version(VERSION, '--version', 'print the version')
  .exitOverride()
  .configureOutput({ outputError: (text) => tellMisuse(terminal.err, text, process.argv) })
  .configureHelp({
    subcommandTerm: (command) =>
      `${command.name()} ${command.usage()}`.replace(/ \[(?:options|command)\]/g, ''),
  })

program
  .command('up')
  .description('Run everything on this machine: nats-server, keys, accounts, policies, and the service.')
  .option('--data-dir <dir>', 'where keys and state are kept (default: .gatehouse)')
  .option(
    '--documents <dir>',
    'the folder that has operator/, accounts/ and policies/ (default: the samples)',
  )
  .option('--listen <host:port>', 'for NATS clients; port 0 takes any free one (default: 127.0.0.1:4222)')
  .option(
    '--http <host:port>',
    'for /metrics, /healthz and /readyz (default: 127.0.0.1:4280, or a free port)',
  )
  .option('--websocket <host:port>', 'for WebSocket clients (default: 127.0.0.1:4281, or a free port)')
  .option('--mqtt <host:port>', 'for MQTT clients (default: 127.0.0.1:1883, or a free port)')
  .option('--quiet', 'say nothing but errors')
  .option('--json', 'say it in JSON: one line when it is up, then the log on standard error')
  .addHelpText('after', '\nExample:\n  gatehouse up --listen 127.0.0.1:4333 --data-dir ./dev')
  .action(async (flags: UpFlags) => {
    const config = readUpConfig(flags, process.env, packageDir)
    const signal = interruption()
    const { up } = await import('./cli/up.ts')
    await up({ config, env: process.env, packageDir, terminal, signal })
  })

program
  .command('token <name>')
  .description('Print the token of a user that a running `gatehouse up` made.')
  .option('--data-dir <dir>', 'the directory it runs on (default: .gatehouse)')
  .addHelpText(
    'after',
    '\nExample:\n  NATS_TOKEN=$(gatehouse token alice@example.com) nats pub orders.new hello',
  )
  .action(async (name: string, flags: Pick<UpFlags, 'dataDir'>) => {
    const { token } = await import('./cli/token.ts')
    await token(name, readUpConfig(flags, process.env, packageDir).dataDir, terminal)
  })

addCommands(program, commands, shell)
addPolicyCommands(program, shell)
addEventCommands(program, shell)
addContextCommands(program, shell)
addDocumentCommands(program, shell)
addCompletionCommand(program, shell)

function interruption(): AbortSignal {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, leave)
  return stop.signal
}

/** The first time: drain and leave. Asked again, leave at once; nats-server is ended on the way out all the same. */
function leave(): void {
  askedAtMs ??= performance.now()
  if (performance.now() - askedAtMs > SAME_WISH_MS) process.exit(130)
  stop.abort()
}

/** 0 done, 1 failed, 2 used wrongly. */
async function run(): Promise<void> {
  try {
    await program.parseAsync(process.argv)
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2
      return
    }
    if (stop.signal.aborted && error instanceof Error && error.name === 'AbortError') return
    terminal.err.write(`gatehouse: error: ${wordsFor(error)}\n`)
    const isConfiguration = error instanceof GatehouseError && error.code === 'invalid_configuration'
    process.exitCode = isConfiguration ? 2 : 1
  }
}

/** A stack is for faults of ours, not for what we or the operating system say on purpose. */
function wordsFor(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error instanceof GatehouseError || 'syscall' in error
    ? error.message
    : (error.stack ?? error.message)
}

await run()
// Everything is disposed by now. What a pipe still holds that nobody reads must not keep us.
if (stop.signal.aborted || process.exitCode === 1) process.exit()
