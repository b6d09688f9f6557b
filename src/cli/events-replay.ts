import { isMap } from './body.ts'
import { eventRow } from './event-row.ts'
import { GatehouseError } from '../errors.ts'
import { openClient, type Client, type Reply } from '../nats/client.ts'
import type { Outgoing } from '../nats/client-publish.ts'
import { formatOf, misused, timeoutOf, type ConnectionFlags } from './options.ts'
import { written, type Format } from './output.ts'
import type { Shell } from './shell.ts'
import { cell, plain } from './table.ts'
import { targetOf } from './target.ts'
import { whenOf } from './when.ts'

export interface ReplayFlags extends ConnectionFlags {
  readonly to?: string
  readonly from?: string
  readonly until?: string
  readonly after?: string
  readonly subject?: string
  readonly account?: string
  readonly jetstream?: true
  readonly dryRun?: true
}

/** Published together; then the server, or the stream, has to say that it has them. */
const PAGE = 200
/** Of an event in the audit stream; what follows it is whose it is, the aggregate and the type. */
const AUDIT_PREFIX = 'auth.event.'
const SUBJECT = /^[^\s.*>]+(?:\.[^\s.*>]+)*$/

/** What was typed, checked. */
interface Wanted {
  readonly to: string
  /** What every page is asked for. */
  readonly asked: Reply
  /** Where to begin. */
  readonly place: Reply
  /** RFC 3339. Later ones are left out. */
  readonly until: string
}

/** How far it has come. */
interface Progress {
  readonly published: number
  readonly duplicates: number
  /** The place in the audit stream of the last one that is dealt with. */
  readonly last: number | undefined
}

const NOTHING: Progress = { published: 0, duplicates: 0, last: undefined }

/** Publishes what happened once more, in order, each with the id it had: to catch up a consumer that is new or was down. */
export async function replayEvents(flags: ReplayFlags, shell: Shell): Promise<void> {
  const format = formatOf(flags)
  const wanted = wantedOf(flags, shell.nowMs())
  const timeoutMs = timeoutOf(flags)
  const target = await targetOf(flags, shell)
  const signal = shell.interruption()
  await using client = await openClient({ ...target, ...(timeoutMs !== undefined && { timeoutMs }) })
  let progress = NOTHING
  try {
    for await (const events of pagesOf(client, wanted)) {
      if (signal.aborted) {
        tellInterruption(progress, flags, shell)
        return
      }
      progress = await dealWith(events, { client, wanted, flags, shell, progress })
      tellProgress(progress, shell)
    }
  } catch (error) {
    throw goesOn(error, progress)
  }
  if (shell.terminal.err.isTTY) shell.terminal.err.write('\n')
  await shell.print(summary(progress, flags, format))
}

function wantedOf(flags: ReplayFlags, nowMs: number): Wanted {
  const { to, from, until, after, subject, account } = flags
  if (to === undefined) throw misused('--to', 'is missing: the subject under which to publish them')
  if (!SUBJECT.test(to)) throw misused('--to', 'must be a subject without wildcards')
  if (/^(?:auth|[$_][^.]*)(?:\.|$)/.test(to))
    throw misused('--to', 'must not begin with auth, $ or _: nobody may take what was for what is')
  if (from === undefined && after === undefined)
    throw misused('--from', 'is missing: a duration such as 1h, a time, or --after where one has ended')
  if (after !== undefined && !/^\d{1,15}$/.test(after)) throw misused('--after', 'must be a sequence')
  return {
    to,
    asked: { ...(subject !== undefined && { subject }), ...(account !== undefined && { account }) },
    place: after === undefined ? { since: whenOf('--from', from ?? '', nowMs) } : { after: Number(after) },
    until: until === undefined ? new Date(nowMs).toISOString() : whenOf('--until', until, nowMs),
  }
}

/** Page after page, up to the first that is all too late. */
async function* pagesOf(client: Client, { asked, place, until }: Wanted): AsyncGenerator<readonly Reply[]> {
  for (let at: Reply | undefined = place; at !== undefined;) {
    const { items, next } = await client.request('event.list', { ...asked, ...at, limit: PAGE })
    const events = Array.isArray(items) ? (items as readonly Reply[]) : []
    const inTime = events.filter((event) => timeOf(event) <= until)
    if (inTime.length > 0) yield inTime
    const isOver = next === undefined || (events.length > 0 && inTime.length === 0)
    at = isOver ? undefined : { after: next }
  }
}

function timeOf({ data }: Reply): string {
  return isMap(data) ? cellOf(data['timestamp']) : ''
}

function cellOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

interface Dealing {
  readonly client: Client
  readonly wanted: Wanted
  readonly flags: ReplayFlags
  readonly shell: Shell
  readonly progress: Progress
}

async function dealWith(events: readonly Reply[], dealing: Dealing): Promise<Progress> {
  const { client, wanted, flags, shell, progress } = dealing
  const messages = events.map((event) => messageOf(event, wanted.to))
  if (flags.dryRun === true) {
    const isJson = formatOf(flags) === 'json'
    const lines = events.map((event, n) => {
      const to = messages[n]?.subject ?? ''
      return isJson ? JSON.stringify({ to, ...event }) : lineOf(event, to)
    })
    await shell.print(`${lines.join('\n')}\n`)
    return { ...progress, published: progress.published + events.length, last: sequenceOf(events.at(-1)) }
  }
  const { done, duplicates, failure } = await client.publish(
    messages,
    flags.jetstream === true ? 'stored' : 'sent',
  )
  const reached = {
    published: progress.published + done,
    duplicates: progress.duplicates + duplicates,
    last: done === 0 ? progress.last : sequenceOf(events[done - 1]),
  }
  if (failure !== undefined) throw goesOn(failure, reached)
  return reached
}

/** The event as it is, under the subject that ends as its own, with what tells a consumer when and where it was. */
function messageOf({ sequence, ...event }: Reply, to: string): Outgoing {
  const { subject, metadata } = event
  const own = cellOf(subject)
  return {
    subject: `${to}.${own.startsWith(AUDIT_PREFIX) ? own.slice(AUDIT_PREFIX.length) : own}`,
    body: JSON.stringify(event),
    headers: {
      ...(isMap(metadata) && { 'Nats-Msg-Id': cellOf(metadata['id']) }),
      'Gatehouse-Event-Subject': own,
      'Gatehouse-Event-Time': timeOf(event),
      'Gatehouse-Event-Sequence': String(sequence),
    },
  }
}

function sequenceOf(event: Reply | undefined): number {
  return Number(event?.['sequence'])
}

function lineOf(event: Reply, subject: string): string {
  const { time, by, says } = eventRow(event)
  return plain([cell(event['sequence']), cell(time), subject, cell(by), cell(says)].join('  ')).trimEnd()
}

function tellProgress({ published, last }: Progress, { terminal: { err } }: Shell): void {
  if (err.isTTY) err.write(`\r${published} events, up to sequence ${last ?? 0}`)
}

function summary({ published, duplicates, last }: Progress, flags: ReplayFlags, format: Format): string {
  const isDry = flags.dryRun === true
  if (format !== 'table') {
    if (isDry) return ''
    return written({ published, duplicates, ...(last !== undefined && { last }) }, format)
  }
  const what = isDry ? 'would be published' : flags.jetstream === true ? 'stored' : 'published'
  const again = duplicates === 0 ? '' : `, ${duplicates} of which the stream had already`
  const upTo = last === undefined ? '' : `, up to sequence ${last}`
  return `${published} events ${what} under ${flags.to ?? ''}${again}${upTo}\n`
}

function tellInterruption(progress: Progress, { from, after }: ReplayFlags, { terminal }: Shell): void {
  const hint = hintOf(progress) ?? (after === undefined ? `--from ${from ?? ''}` : `--after ${after}`)
  terminal.err.write(`\ngatehouse: interrupted after ${progress.published} events: ${hint} goes on\n`)
  process.exitCode = 130
}

function hintOf({ last }: Progress): string | undefined {
  return last === undefined ? undefined : `--after ${last}`
}

/** What went wrong, with where to go on; said once. */
function goesOn(error: unknown, progress: Progress): unknown {
  const hint = hintOf(progress)
  if (!(error instanceof GatehouseError) || hint === undefined || error.message.endsWith(' goes on'))
    return error
  const { code, message, faults } = error
  return new GatehouseError(code, `${message}; ${hint} goes on`, { cause: error, faults })
}
