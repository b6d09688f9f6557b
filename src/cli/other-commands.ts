import { Argument, type Command as Program } from 'commander'
import { completionScript, SHELLS, type ShellName } from './completion.ts'
import type { TailFlags } from './events-tail.ts'
import { reporting } from './failure.ts'
import { addConnectionOptions } from './options.ts'
import type { Shell } from './shell.ts'

/** `gatehouse events tail`: what happens, as it happens. */
export function addEventCommands(program: Program, shell: Shell): void {
  const tail = program
    .command('events')
    .description('What happens, as it happens.')
    .helpGroup('Commands over NATS:')
    .command('tail')
    .description(
      'Tells events until it is ended: those since a time, then live ones, each once and in order.',
    )
    .option('--subject <subject>', 'only these; * and > are wildcards')
    .option('--account <name>', 'only those of this account')
    .option('--since <when>', 'a duration such as 1h, or a time; from now on when it is absent')
  addConnectionOptions(tail)
  tail
    .addHelpText('after', '\nExample:\n  gatehouse events tail --account ORDERS --since 1h --json')
    .action((flags: TailFlags) =>
      reporting({ shell, given: { ...flags }, asked: 'event.list' }, async () => {
        const { tailEvents } = await import('./events-tail.ts')
        await tailEvents(flags, shell)
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
