import { Argument, type Command as Program } from 'commander'
import { completionScript, SHELLS, type ShellName } from './completion.ts'
import type { ReplayFlags } from './events-replay.ts'
import type { TailFlags } from './events-tail.ts'
import { reporting } from './failure.ts'
import { addConnectionOptions } from './options.ts'
import type { Shell } from './shell.ts'

/** `gatehouse events`: what happens, as it happens, and once more. */
export function addEventCommands(program: Program, shell: Shell): void {
  const events = program
    .command('events')
    .description('What happens, as it happens, and once more.')
    .helpGroup('Commands over NATS:')
  addTail(events, shell)
  addReplay(events, shell)
}

function addTail(events: Program, shell: Shell): void {
  const tail = events
    .command('tail')
    .description(
      'Tells events until it is ended: those since a time, then live ones, each once and in order.',
    )
    .option('--subject <subject>', 'only these, as user.registered, user.* or *.deleted')
    .option('--account <name>', 'only those of this account')
    .option('--since <when>', 'a duration such as 1h, or a time; from now on when it is absent')
  addConnectionOptions(tail)
  tail
    .addHelpText(
      'after',
      "\nExample:\n  gatehouse events tail --account ORDERS --subject 'user.*' --since 1h",
    )
    .action((flags: TailFlags) =>
      reporting({ shell, given: { ...flags }, asked: 'event.list' }, async () => {
        const { tailEvents } = await import('./events-tail.ts')
        await tailEvents(flags, shell)
      }),
    )
}

function addReplay(events: Program, shell: Shell): void {
  const replay = events
    .command('replay')
    .description('Publishes past events once more, in order, for consumers that are new or were down.')
    .option('--to <subject>', 'under it: <subject>.<A… or operator>.<aggregate>.<type>')
    .option('--from <when>', 'a duration such as 1h, or a time')
    .option('--until <when>', 'the same; up to now when it is absent')
    .option('--after <sequence>', 'goes on after this one, in place of --from')
    .option('--subject <subject>', 'only these, as user.registered, user.* or *.deleted')
    .option('--account <name>', 'only those of this account')
    .option('--jetstream', 'a stream has to acknowledge each; else they are for whoever listens')
    .option('--dry-run', 'publish nothing, and show what would be')
  addConnectionOptions(replay)
  replay
    .addHelpText(
      'after',
      "\nExample:\n  gatehouse events replay --from 1d --subject 'user.*' --account ORDERS --to replay --jetstream",
    )
    .action((flags: ReplayFlags) =>
      reporting({ shell, given: { ...flags }, asked: 'event.list' }, async () => {
        const { replayEvents } = await import('./events-replay.ts')
        await replayEvents(flags, shell)
      }),
    )
}

const WHERE_TO = `
Put it where your shell reads it:
  bash   source <(gatehouse completion bash)          in ~/.bashrc
  zsh    source <(gatehouse completion zsh)           in ~/.zshrc, after compinit
  fish   gatehouse completion fish | source           in ~/.config/fish/config.fish

Example:
  gatehouse completion bash`

/** `gatehouse completion`: the whole program, as it is when it is asked. */
export function addCompletionCommand(program: Program, shell: Shell): void {
  program
    .command('completion')
    .description('Prints a script with which a shell completes commands and flags.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', WHERE_TO)
    .action(async (name: ShellName) => {
      await shell.print(completionScript(program, name))
    })
}
