import type { Command as Program } from 'commander'
import { GatehouseError } from '../errors.ts'
import type { ApplyFlags } from './apply.ts'
import type { ExportFlags } from './export.ts'
import { documentFailure } from './document-failure.ts'
import { failureFormat, tellFailure } from './failure.ts'
import { addConnectionOptions, type ConnectionFlags } from './options.ts'
import { NAMES_FLAG } from './review-output.ts'
import type { Shell } from './shell.ts'

const GROUP = 'Documents:'
const PATHS = 'files and folders of documents, or - for standard input'
const EXIT_CODES = `
Exit codes:
  0  done, or nothing to do
  1  failed
  2  something would change (plan, and apply --dry-run)
`

/** `gatehouse apply`, `plan` and `export`: what should be, in files. */
export function addDocumentCommands(program: Program, shell: Shell): void {
  const apply = addApplying(program, 'apply')
    .description(
      'Brings a running system to what the documents declare. What none of them names is left alone.',
    )
    .option('--dry-run', 'only say what would change')
    .option('--yes', 'remove without asking')
    .option('--watch', 'apply again whenever the files change, until it is ended')
    .addHelpText('after', `${EXIT_CODES}\nExample:\n  gatehouse apply operator accounts policies roles`)
  apply.action((paths: readonly string[], flags: ApplyFlags) =>
    run(shell, flags, () => applying(paths, flags, shell)),
  )
  const plan = addApplying(program, 'plan')
    .description('Says what apply would change.')
    .addHelpText('after', `${EXIT_CODES}\nExample:\n  gatehouse plan . || echo something would change`)
  plan.action((paths: readonly string[], flags: ApplyFlags) =>
    run(shell, flags, () => applying(paths, { ...flags, dryRun: true }, shell)),
  )
  const exporting = program
    .command('export <dir>')
    .description('Writes a running system as documents, which apply to no change. No secret is in them.')
    .helpGroup(GROUP)
    .option('--force', 'write over files that say something else')
    .addHelpText('after', '\nExample:\n  gatehouse export ./system')
  addConnectionOptions(exporting)
  exporting.action((dir: string, flags: ExportFlags) =>
    run(shell, flags, async () => {
      const { exportTo } = await import('./export.ts')
      await exportTo(dir, flags, shell)
    }),
  )
}

function addApplying(program: Program, word: string): Program {
  const mine = program
    .command(word)
    .argument('<paths...>', PATHS)
    .summary(word === 'plan' ? 'say what apply would change' : 'bring the system to what documents declare')
    .helpGroup(GROUP)
    .option('--prune', 'remove what no document declares, after asking')
    .option(...NAMES_FLAG)
    // 2 says that something would change, so here even wrong use is 1.
    .configureOutput({ outputError: () => undefined })
    .exitOverride((error) => {
      if (error.exitCode === 0) throw error
      throw new GatehouseError('invalid_request', error.message.replace(/^error: /, ''))
    })
  addConnectionOptions(mine)
  return mine
}

async function applying(paths: readonly string[], flags: ApplyFlags, shell: Shell): Promise<void> {
  const { applyPaths } = await import('./apply.ts')
  if ((await applyPaths(paths, flags, shell)) === 'planned') process.exitCode = 2
}

async function run({ terminal }: Shell, flags: ConnectionFlags, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    tellFailure(terminal.err, documentFailure(error), failureFormat({ ...flags }))
    process.exitCode = 1
  }
}
