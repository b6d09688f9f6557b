import type { Command as Program } from 'commander'
import { documentFailure } from './document-failure.ts'
import { exitCodeOf, failureFormat, failureOf, tellFailure } from './failure.ts'
import { addConnectionOptions, addOutputOptions } from './options.ts'
import type { DiffFlags } from './policy-diff.ts'
import type { LintFlags } from './policy-lint.ts'
import type { TestFlags } from './policy-test.ts'
import { NAMES_FLAG } from './review-output.ts'
import type { Shell } from './shell.ts'

const PATHS = 'files and folders of documents (default: this folder)'
const EXIT_CODES = (one: string): string => `
Exit codes:
  0  ${one}
  1  not so
  2  used wrongly, or the documents have faults
`

/** `gatehouse policy test`, `lint` and `diff`: policies as people write, read and trust them. */
export function addPolicyCommands(program: Program, shell: Shell): void {
  const group = program.commands.find((each) => each.name() === 'policy')
  if (group === undefined) throw new Error('there are no commands on policies')
  addTest(group, shell)
  addLint(group, shell)
  addDiff(group, shell)
  group.summary(group.commands.map((each) => each.name()).join(', '))
}

function addTest(group: Program, shell: Shell): void {
  const test = group
    .command('test')
    .argument('[paths...]', PATHS)
    .description('Tests the policies of documents by the *.test.yaml beside them. Nothing has to run.')
    .option('--junit <file>', 'write the results as JUnit XML, too')
  addOutputOptions(test)
  test
    .addHelpText(
      'after',
      `${EXIT_CODES('every expectation holds')}\nExample:\n  gatehouse policy test --junit report.xml`,
    )
    .action((paths: readonly string[], flags: TestFlags) =>
      run(shell, flags, async () => {
        const { testPaths } = await import('./policy-test.ts')
        return testPaths(paths, flags, shell)
      }),
    )
}

function addLint(group: Program, shell: Shell): void {
  const lint = group
    .command('lint')
    .argument('[paths...]', PATHS)
    .description('Looks for what is too broad, says nothing, or reaches nobody in the policies of documents.')
    .option('--live', 'look at the running system instead; what is accepted is read from the paths')
    .option('--max-warnings <n>', 'fail where there are more warnings than this')
  addConnectionOptions(lint)
  lint
    .addHelpText(
      'after',
      `${EXIT_CODES('no errors, and not too many warnings')}\nExample:\n  gatehouse policy lint --max-warnings 0`,
    )
    .action((paths: readonly string[], flags: LintFlags) =>
      run(shell, flags, async () => {
        const { lintPaths } = await import('./policy-lint.ts')
        return lintPaths(paths, flags, shell)
      }),
    )
}

function addDiff(group: Program, shell: Shell): void {
  const diff = group
    .command('diff')
    .argument('<old>', 'a file or folder of documents, or NAME or NAME@VERSION of the running system')
    .argument('<new>', 'the same')
    .description('Says what a policy allows more and less, and who gains and who loses by that.')
    .option('--account <name>', 'the account that the policies of the running system belong to')
    .option('--live', 'of two files: who has the policy in the running system')
    .option(...NAMES_FLAG)
  addConnectionOptions(diff)
  diff
    .addHelpText('after', '\nExample:\n  gatehouse policy diff developer@1 policies/developer.yaml')
    .action((old: string, now: string, flags: DiffFlags) =>
      run(shell, flags, async () => {
        const { diffPolicies } = await import('./policy-diff.ts')
        await diffPolicies({ old, now }, flags, shell)
        return true
      }),
    )
}

async function run(
  { terminal }: Shell,
  flags: { readonly json?: true; readonly output?: string },
  act: () => Promise<boolean>,
): Promise<void> {
  try {
    if (!(await act())) process.exitCode = 1
  } catch (error) {
    tellFailure(terminal.err, documentFailure(error), failureFormat({ ...flags }))
    process.exitCode = exitCodeOf(failureOf(error))
  }
}
