import { writeFile } from 'node:fs/promises'
import { readPolicyTests, testPolicies, type TestedCase } from '../admin/policy-tests.ts'
import { GatehouseError } from '../errors.ts'
import { junit } from './junit.ts'
import { formatOf } from './options.ts'
import { written } from './output.ts'
import type { Shell } from './shell.ts'
import { readWithBase } from './shipped.ts'
import { readPapers } from './sources.ts'
import { plain } from './table.ts'
import { styled, type Outlet } from './terminal.ts'

export interface TestFlags {
  readonly junit?: string
  readonly output?: string
  readonly json?: true
}

/** Runs the tests under these paths and tells what they came to. True when every expectation holds. */
export async function testPaths(paths: readonly string[], flags: TestFlags, shell: Shell): Promise<boolean> {
  const format = formatOf(flags)
  const { documents: sources, tests } = await readPapers(paths)
  if (tests.length === 0) {
    const message = 'there are no tests: write one beside a policy, as policies/developer.test.yaml'
    throw new GatehouseError('invalid_configuration', message)
  }
  const documents = await readWithBase(sources, shell.packageDir)
  const cases = testPolicies(documents, readPolicyTests(documents, tests))
  if (flags.junit !== undefined) await writeReport(flags.junit, junit(cases))
  const isOk = cases.every(({ failures }) => failures.length === 0)
  await shell.print(
    format === 'table' ? testText(shell.terminal.out, cases) : written({ ok: isOk, cases }, format),
  )
  return isOk
}

async function writeReport(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GatehouseError('invalid_configuration', `--junit ${file} cannot be written: ${why}`, { cause })
  })
}

function testText(out: Outlet, cases: readonly TestedCase[]): string {
  const files = [...new Set(cases.map(({ file }) => file))]
  const failed = cases.filter(({ failures }) => failures.length > 0).length
  const count = cases.length === 1 ? '1 case' : `${cases.length} cases`
  return [
    ...files.flatMap((file) => [
      plain(file),
      ...cases.filter((each) => each.file === file).flatMap((each) => caseLines(out, each)),
    ]),
    '',
    failed === 0 ? `${count}, all as expected.` : `${count}, ${failed} not as expected.`,
    '',
  ].join('\n')
}

function caseLines(out: Outlet, { name, failures }: TestedCase): readonly string[] {
  if (failures.length === 0) return [`  ${styled(out, 'green', 'ok')}    ${plain(name)}`]
  return [
    `  ${styled(out, 'red', 'fail')}  ${plain(name)}`,
    ...failures.map(({ where, what, expected, found }) =>
      plain(`        ${where}: ${what}: expected ${expected}, ${found}`),
    ),
  ]
}
