import { GatehouseError } from '../errors.ts'
import { openClient, type Client, type Reply } from '../nats/client.ts'
import { eventRow } from './event-row.ts'
import { formatOf, timeoutOf, type ConnectionFlags } from './options.ts'
import type { Shell } from './shell.ts'
import { cell, plain } from './table.ts'
import { targetOf } from './target.ts'
import { whenOf } from './when.ts'

export interface TailFlags extends ConnectionFlags {
  readonly subject?: string
  readonly account?: string
  readonly since?: string
}

/** Live events, by which to know that there is something to ask for. What they say is asked for. */
const LIVE = 'auth.event.>'
/** Where live events may not be heard, and in case one is lost. */
const ASK_MS = 2_000
const PAGE = 500
/** Characters of most names. A stream of lines cannot know the longest. */
const [EVENT_WIDTH, BY_WIDTH] = [24, 12]

/** What one page of `event.list` is asked for. */
interface Wanted {
  readonly account?: string
  readonly subject?: string
}

/**
 * Tells events, from `--since` or from now on, each once and in order, until the person leaves or the reader goes.
 * The list is the only source: a live event wakes us, and the last sequence says where to go on.
 */
export async function tailEvents(flags: TailFlags, shell: Shell): Promise<void> {
  const isJson = formatOf(flags) === 'json'
  const wanted = {
    ...(flags.account !== undefined && { account: flags.account }),
    ...(flags.subject !== undefined && { subject: flags.subject }),
  }
  const since = whenOf('--since', flags.since ?? '0s', shell.nowMs())
  const timeoutMs = timeoutOf(flags)
  const target = await targetOf(flags, shell)
  await using client = await openClient({
    ...target,
    ...(timeoutMs !== undefined && { timeoutMs }),
    isLasting: true,
  })
  const lost = outages((words) => shell.terminal.err.write(words))
  const leave = new AbortController()
  const signal = AbortSignal.any([leave.signal, shell.interruption()])
  const bell = ringing(client, signal)
  try {
    await follow({ client, wanted, since, bell, lost, signal }, async (event) => {
      if (signal.aborted) return false
      return shell.print(isJson ? `${JSON.stringify(event)}\n` : lineOf(event))
    })
  } finally {
    leave.abort()
  }
}

interface Following {
  readonly client: Client
  readonly wanted: Wanted
  readonly since: string
  readonly bell: Bell
  readonly lost: Lost
  readonly signal: AbortSignal
}

/** Ends when the signal says so, or when `tell` says that nobody reads. */
async function follow(following: Following, tell: (event: Reply) => Promise<boolean>): Promise<void> {
  const { since, bell, signal } = following
  let place: Reply = { since }
  while (!signal.aborted) {
    const page = await pageFrom(place, following)
    for (const event of page.items) {
      if (!(await tell(event))) return
      place = { after: event['sequence'] }
    }
    if (!page.isMore) await bell.rung()
  }
}

interface Page {
  readonly items: readonly Reply[]
  readonly isMore: boolean
}

/** Once it has been answered, an outage is waited for: nothing is missed by it. */
async function pageFrom(place: Reply, { client, wanted, lost }: Following): Promise<Page> {
  try {
    const { items, next } = await client.request('event.list', { ...wanted, ...place, limit: PAGE })
    lost.over()
    return { items: Array.isArray(items) ? (items as readonly Reply[]) : [], isMore: next !== undefined }
  } catch (error) {
    if (!lost.bears(error)) throw inFlags(error)
    return { items: [], isMore: false }
  }
}

/** What is said of outages: each once. */
interface Lost {
  /** Whether it is one, and no reason to end. */
  bears(error: unknown): boolean
  over(): void
}

function outages(say: (words: string) => void): Lost {
  let [wasAnswered, isOut] = [false, false]
  return {
    bears(error) {
      const passes = error instanceof GatehouseError && ['unavailable', 'busy'].includes(error.code)
      if (!passes || !wasAnswered) return false
      if (!isOut) say(`gatehouse: ${error.message}; waiting for it\n`)
      isOut = true
      return true
    },
    over() {
      if (isOut) say('gatehouse: it is there again\n')
      ;[wasAnswered, isOut] = [true, false]
    },
  }
}

/** The service names fields, and people typed flags. */
function inFlags(error: unknown): unknown {
  if (!(error instanceof GatehouseError) || error.faults.length === 0) return error
  const faults = error.faults.map(({ where, rule }) => ({ where: `--${where}`, rule }))
  return new GatehouseError(error.code, error.message, { cause: error, faults })
}

/** Rings for every live event, every few seconds, and when it is time to leave. */
interface Bell {
  rung(): Promise<void>
}

function ringing(client: Client, signal: AbortSignal): Bell {
  let hasRung = false
  let wake = (): void => undefined
  const ring = (): void => {
    hasRung = true
    wake()
  }
  signal.addEventListener('abort', ring, { once: true })
  client.listen(LIVE, ring, signal).catch((error: unknown) => {
    // Who may not hear live events is told by the list, a little later.
    if (!(error instanceof GatehouseError)) ring()
  })
  return {
    async rung() {
      if (!hasRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ASK_MS)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      hasRung = false
    },
  }
}

/** `2026-11-21 05:16Z  user.locked  admin  userId 01… name bob reason left`. */
function lineOf(event: Reply): string {
  const { time, event: name, by, says } = eventRow(event)
  const words = [cell(time), String(name).padEnd(EVENT_WIDTH), cell(by).padEnd(BY_WIDTH), cell(says)]
  return `${plain(words.join('  ')).trimEnd()}\n`
}
