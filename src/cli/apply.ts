import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { ulid } from 'ulid'
import { carryOut, draft, type Draft, type Drafted, type Run } from '../admin/apply.ts'
import { consequencesOf } from '../admin/consequences.ts'
import { readDocuments, refuse, type Documents, type SourceFile } from '../admin/documents.ts'
import type { Pruning } from '../admin/prune.ts'
import type { Service } from '../admin/snapshot.ts'
import { GatehouseError } from '../errors.ts'
import type { Client } from '../nats/client.ts'
import { confirmed } from './confirm.ts'
import { connected, serviceOver } from './connected.ts'
import { documentFailure } from './document-failure.ts'
import { tellFailure } from './failure.ts'
import { formatOf, misused, timeoutOf, type ConnectionFlags } from './options.ts'
import { planText, planWritten } from './plan-output.ts'
import { consequenceLines, consequencesWritten, namesShown } from './review-output.ts'
import type { Shell } from './shell.ts'
import { readPaths } from './sources.ts'
import { watchSources } from './watch-files.ts'

export interface ApplyFlags extends ConnectionFlags {
  readonly dryRun?: true
  readonly prune?: true
  readonly yes?: true
  readonly watch?: true
  readonly names?: string
}

/** What `apply` came to. */
export type Outcome = 'nothing' | 'planned' | 'applied'

/**
 * Brings a running system to what the documents declare, by commands. With `dryRun` it says what it would do. Throws
 * `invalid_document` with every fault, and the first refusal of a command; what went before is done then, and applying
 * again goes on from there.
 */
export async function applyPaths(
  paths: readonly string[],
  flags: ApplyFlags,
  shell: Shell,
): Promise<Outcome> {
  checkFlags(paths, flags)
  const read = (): Promise<readonly SourceFile[]> => readPaths(paths, readInput)
  if (flags.watch !== true) return applySources(await read(), flags, shell)
  const { err } = shell.terminal
  await watchSources({
    read,
    apply: async (sources) => {
      await applySources(sources, flags, shell)
      err.write('gatehouse: watching for changes; Ctrl-C ends it\n')
    },
    onFault: (error) => tellFailure(err, documentFailure(error), 'text'),
    signal: shell.interruption(),
  })
  return 'nothing'
}

function checkFlags(paths: readonly string[], flags: ApplyFlags): void {
  const { dryRun, watch, prune, yes } = flags
  formatOf(flags)
  namesShown(flags)
  if (watch !== true) return
  if (dryRun === true) throw misused('--watch', 'must not stand beside --dry-run')
  if (paths.includes('-')) throw misused('--watch', 'must not stand beside -: standard input is read once')
  if (prune === true && yes !== true)
    throw misused('--watch', 'with --prune needs --yes: it cannot ask every time')
}

function readInput(): Promise<string> {
  return text(process.stdin)
}

async function applySources(
  sources: readonly SourceFile[],
  flags: ApplyFlags,
  shell: Shell,
): Promise<Outcome> {
  const documents = readDocuments(sources)
  await using client = await clientFor(documents, flags, shell)
  const service = serviceOver(client)
  const pruning = flags.prune === true ? { self: await selfOf(service) } : undefined
  const first = await draft(service, documents, pruning)
  await shell.print(await told(service, first, { flags, shell }))
  if (first.steps.length === 0) return 'nothing'
  if (flags.dryRun === true) return 'planned'
  await agree(first, flags, shell)
  await carryOutHere(service, { first, documents, pruning }, shell)
  return 'applied'
}

/** What would be done, and who gains and who loses by it. */
async function told(
  service: Service,
  first: Drafted,
  { flags, shell }: { readonly flags: ApplyFlags; readonly shell: Shell },
): Promise<string> {
  const { out } = shell.terminal
  const [format, names] = [formatOf(flags), namesShown(flags)]
  const consequences = await consequencesOf(service, first)
  if (format === 'table')
    return planText(out, first, consequences && consequenceLines(out, consequences, names))
  return planWritten(first, format, consequences && consequencesWritten(consequences, names))
}

/** Faults of the documents are told also where there is nobody to ask about the rest. */
async function clientFor(documents: Documents, flags: ApplyFlags, shell: Shell): Promise<Client> {
  const timeoutMs = timeoutOf(flags)
  try {
    return await connected(flags, shell, { timeoutMs })
  } catch (error) {
    refuse(documents.faults)
    throw error
  }
}

/** As the bus names us. */
async function selfOf(service: Service): Promise<Pruning['self']> {
  const { account, user } = await service.request('whoami', {})
  const nameOf = (named: unknown): string => (named as { readonly name: string }).name
  return { account: nameOf(account), user: nameOf(user) }
}

/** Nothing is removed that nobody agreed to. Throws `invalid_request` otherwise. */
async function agree({ steps }: Draft, { yes }: ApplyFlags, { terminal }: Shell): Promise<void> {
  const going = new Set(steps.filter(({ change }) => change === 'remove').map(({ target }) => target)).size
  if (going === 0 || yes === true) return
  const question = `Remove ${going === 1 ? 'what no document declares' : `all ${going} that no document declares`}, for good? Type yes:`
  const answer = await confirmed(question, { input: process.stdin, err: terminal.err })
  if (answer === true) return
  if (answer === undefined)
    throw misused('--prune', 'without a terminal to ask at needs --yes; nothing was changed')
  throw new GatehouseError('invalid_request', 'that was not yes: nothing was changed')
}

interface Agreed {
  readonly first: Draft
  readonly documents: Documents
  readonly pruning: Pruning | undefined
}

const PAUSE_MS = 250

async function carryOutHere(
  service: Service,
  { first, documents, pruning }: Agreed,
  shell: Shell,
): Promise<void> {
  const { err } = shell.terminal
  const id = `apply-${ulid(shell.nowMs())}`
  const clear = err.isTTY ? '\r\u001b[K' : ''
  let count = 0
  const run: Run = {
    id,
    redraft: () => draft(service, documents, pruning),
    pause: (attempt) => sleep(PAUSE_MS * 2 ** attempt),
    onDone({ target }, { done, total }) {
      count += 1
      if (err.isTTY) err.write(`${clear}gatehouse: ${done} of ${total}: ${target}`)
    },
    onConflict({ target }, { message }) {
      err.write(`${clear}gatehouse: ${target} was changed by somebody else (${message}): looking again\n`)
    },
  }
  try {
    await carryOut(service, first, run)
  } catch (error) {
    const more =
      count === 0 ? 'nothing was changed' : `${commandsOf(count)} done, ${id}; apply again to go on`
    err.write(`${clear}gatehouse: ${more}\n`)
    throw error
  }
  err.write(`${clear}gatehouse: applied, ${commandsOf(count)} done, ${id}\n`)
}

function commandsOf(count: number): string {
  return count === 1 ? '1 command' : `${count} commands`
}
