import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { withSessions, type Consequences } from '../admin/consequences.ts'
import { readDocuments, refuse, type Documents } from '../admin/documents.ts'
import {
  diffDeclared,
  diffDocuments,
  diffStored,
  onlyPolicy,
  type OnePolicy,
  type PolicyDiff,
  type PolicyDifference,
} from '../admin/policy-diff.ts'
import type { Service } from '../admin/snapshot.ts'
import { connected, serviceOver } from './connected.ts'
import { formatOf, misused, timeoutOf, type ConnectionFlags } from './options.ts'
import { written } from './output.ts'
import {
  consequenceLines,
  consequencesWritten,
  namesShown,
  reviewLines,
  reviewWritten,
} from './review-output.ts'
import type { Shell } from './shell.ts'
import { readWithBase } from './shipped.ts'
import { readPaths } from './sources.ts'
import { plain } from './table.ts'
import { styled, type Outlet } from './terminal.ts'

export interface DiffFlags extends ConnectionFlags {
  readonly account?: string
  readonly live?: true
  readonly names?: string
}

/** What is held against each other, as it was typed. */
interface Sides {
  readonly old: string
  readonly now: string
}

/** What is to be told, with the live sessions where somebody could be asked for them. */
interface Told extends PolicyDiff {
  readonly consequences?: Consequences
}

/** Tells what policies say more and less, and who gains and who loses by that. */
export async function diffPolicies({ old, now }: Sides, flags: DiffFlags, shell: Shell): Promise<void> {
  const [format, names] = [formatOf(flags), namesShown(flags)]
  const sides = { old: await sideOf(old, flags, shell), now: await sideOf(now, flags, shell) }
  const told = await toldOf(sides, flags, shell)
  await shell.print(
    format === 'table'
      ? diffText(shell.terminal.out, told, names)
      : written(diffWritten(told, names), format),
  )
}

type Side = OnePolicy | { readonly documents: Documents }

async function sideOf(typed: string, { account }: DiffFlags, { packageDir }: Shell): Promise<Side> {
  if (typed !== '-' && !existsSync(typed)) return referenceOf(typed, account)
  const sources = await readPaths([typed], () => text(process.stdin))
  const documents = readDocuments(sources)
  refuse(documents.faults, 'nothing was compared')
  const declared = onlyPolicy(documents)
  return declared === undefined ? { documents: await readWithBase(sources, packageDir) } : { declared }
}

/** `developer`, or `developer@3`. What looks like a path leads nowhere. */
function referenceOf(typed: string, account: string | undefined): OnePolicy {
  if (/[/\\]|\.(?:ya?ml|json)$/.test(typed))
    throw misused(typed, 'is not there: name a file, a folder, or a policy')
  const [, name = typed, version] = /^(.+)@(\d{1,9})$/.exec(typed) ?? []
  return { stored: { name, version: version === undefined ? undefined : Number(version), account } }
}

async function toldOf(
  { old, now }: Record<'old' | 'now', Side>,
  flags: DiffFlags,
  shell: Shell,
): Promise<Told> {
  if ('documents' in old || 'documents' in now) {
    if (!('documents' in old && 'documents' in now))
      throw misused('OLD and NEW', 'must both be one policy, or both be folders of documents')
    const diff = diffDocuments(old.documents, now.documents)
    return flags.live === true ? live(flags, shell, () => Promise.resolve(diff)) : diff
  }
  if (flags.live !== true && 'declared' in old && 'declared' in now)
    return diffDeclared(old.declared, now.declared)
  return live(flags, shell, (service) => diffStored(service, { old, now, account: flags.account }))
}

async function live(
  flags: DiffFlags,
  shell: Shell,
  diff: (service: Service) => Promise<PolicyDiff>,
): Promise<Told> {
  await using client = await connected(flags, shell, { timeoutMs: timeoutOf(flags) })
  const service = serviceOver(client)
  const found = await diff(service)
  return { ...found, ...(found.review && { consequences: await withSessions(service, found.review) }) }
}

function diffText(out: Outlet, { policies, review, consequences }: Told, names: number): string {
  const isSame = policies.every(({ added, removed }) => added.length + removed.length === 0)
  const what = isSame
    ? ['The policies say the same.']
    : policies.flatMap((each) => differenceLines(out, each))
  const who =
    consequences === undefined
      ? review && reviewLines(out, review, names)
      : consequenceLines(out, consequences, names)
  return `${[...what, ...(who === undefined ? [] : ['', ...who])].join('\n')}\n`
}

function differenceLines(out: Outlet, { policy, added, removed }: PolicyDifference): readonly string[] {
  return [
    `policy ${plain(policy)}`,
    ...added.map((line) => styled(out, 'green', `  + ${plain(line)}`)),
    ...removed.map((line) => styled(out, 'red', `  - ${plain(line)}`)),
  ]
}

function diffWritten({ policies, review, consequences }: Told, names: number): object {
  if (consequences !== undefined) return { policies, review: consequencesWritten(consequences, names) }
  return { policies, ...(review && { review: reviewWritten(review, names) }) }
}
