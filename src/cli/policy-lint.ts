import { censusOf } from '../admin/census.ts'
import { declaredCensus } from '../admin/declared-census.ts'
import { accept, readAcceptances, type Judged } from '../admin/lint-accept.ts'
import { lint, type Finding } from '../admin/lint.ts'
import { placesIn } from '../admin/policy-places.ts'
import { readSnapshot } from '../admin/snapshot.ts'
import { connected, serviceOver } from './connected.ts'
import { formatOf, misused, timeoutOf, type ConnectionFlags } from './options.ts'
import { written } from './output.ts'
import type { Shell } from './shell.ts'
import { readWithBase } from './shipped.ts'
import { readAccepted, readPapers } from './sources.ts'
import { plain } from './table.ts'
import { styled, type Outlet } from './terminal.ts'

export interface LintFlags extends ConnectionFlags {
  readonly live?: true
  readonly maxWarnings?: string
}

/** Tells what lint finds. True when there are no errors and not more warnings than are allowed. */
export async function lintPaths(paths: readonly string[], flags: LintFlags, shell: Shell): Promise<boolean> {
  const format = formatOf(flags)
  const warningsMax = warningsMaxOf(flags)
  const judged = await (flags.live === true ? judgeLive(paths, flags, shell) : judgeDocuments(paths, shell))
  const count = (severity: Finding['severity']): number =>
    judged.findings.filter((each) => each.severity === severity).length
  const tooMany = warningsOver(count('warning'), warningsMax)
  const counts = { errors: count('error'), warnings: count('warning'), accepted: judged.accepted }
  const isOk = counts.errors === 0 && tooMany === undefined
  await shell.print(
    format === 'table'
      ? `${lintText(shell.terminal.out, judged, counts)}${tooMany === undefined ? '' : `${tooMany}\n`}`
      : written({ ok: isOk, ...counts, findings: judged.findings }, format),
  )
  return isOk
}

function warningsMaxOf({ maxWarnings }: LintFlags): number {
  if (maxWarnings === undefined) return Infinity
  if (/^\d{1,9}$/.test(maxWarnings)) return Number(maxWarnings)
  throw misused('--max-warnings', 'must be a whole number, 0 or more')
}

/** Why warnings make it fail, if they do. */
function warningsOver(count: number, max: number): string | undefined {
  if (count <= max) return undefined
  return `${count === 1 ? '1 warning' : `${count} warnings`}, more than the ${max} that ${max === 1 ? 'is' : 'are'} allowed.`
}

async function judgeDocuments(paths: readonly string[], { packageDir }: Shell): Promise<Judged> {
  const { documents: sources, accepted } = await readPapers(paths)
  const documents = await readWithBase(sources, packageDir)
  const acceptances = readAcceptances(documents, accepted)
  return accept(lint(declaredCensus(documents), placesIn(documents)), acceptances)
}

async function judgeLive(paths: readonly string[], flags: LintFlags, shell: Shell): Promise<Judged> {
  const acceptances = readAcceptances(undefined, await readAccepted(paths))
  await using client = await connected(flags, shell, { timeoutMs: timeoutOf(flags) })
  const snapshot = await readSnapshot(serviceOver(client), { operator: false, users: () => 'all' })
  return accept(
    lint(censusOf(snapshot), () => undefined),
    acceptances,
  )
}

function lintText(
  out: Outlet,
  { findings }: Judged,
  {
    errors,
    warnings,
    accepted,
  }: { readonly errors: number; readonly warnings: number; readonly accepted: number },
): string {
  const lines = findings.map(({ where, severity, message, rule }) => {
    const word = styled(out, severity === 'error' ? 'red' : 'yellow', severity)
    return `${plain(where)}: ${word}: ${plain(message)} (${rule})`
  })
  const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`
  const summary = `${counted(errors, 'error')}, ${counted(warnings, 'warning')}, ${accepted} accepted.`
  return `${[...lines, ...(lines.length === 0 ? [] : ['']), summary].join('\n')}\n`
}
