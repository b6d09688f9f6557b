import { setTimeout as sleep } from 'node:timers/promises'
import { GatehouseError } from '../errors.ts'
import { openClient, type Client, type Reply } from '../nats/client.ts'
import { misused, formatOf, timeoutOf, type ConnectionFlags } from './options.ts'
import type { Shell } from './shell.ts'
import { cell, plain } from './table.ts'
import { targetOf } from './target.ts'

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
  const since = sinceOf(flags.since, shell.nowMs())
  const timeoutMs = timeoutOf(flags)
  const target = await targetOf(flags, shell)
  await using client = await openClient({ ...target, ...(timeoutMs !== undefined && { timeoutMs }) })
  const leave = new AbortController()
  const signal = AbortSignal.any([leave.signal, shell.interruption()])
  const bell = ringing(client, signal)
  try {
    await follow({ client, wanted, since, bell, signal }, async (event) => {
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
  readonly signal: AbortSignal
}

/** Ends when the signal says so, or when `tell` says that nobody reads. */
async function follow(following: Following, tell: (event: Reply) => Promise<boolean>): Promise<void> {
  const { client, wanted, since, bell, signal } = following
  let last: number | undefined
  while (!signal.aborted) {
    const place = last === undefined ? { since } : { after: last }
    const { items, next } = await client.request('event.list', { ...wanted, ...place, limit: PAGE })
    for (const event of (items ?? []) as readonly Reply[]) {
      if (!(await tell(event))) return
      last = Number(event['seq'])
    }
    if (next === undefined) await bell.rung()
  }
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
        const heard = new Promise<void>((resolve) => (wake = resolve))
        await Promise.race([heard, sleep(ASK_MS, undefined, { signal }).catch(() => undefined)])
      }
      hasRung = false
    },
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `1h` ago, or a time; now when nothing was said. RFC 3339. */
function sinceOf(text: string | undefined, nowMs: number): string {
  if (text === undefined) return new Date(nowMs).toISOString()
  const [, n, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const at = n === undefined ? Date.parse(text) : nowMs - Number(n) * (UNIT_MS[unit] ?? 0)
  if (Number.isNaN(at))
    throw misused('--since', 'must be a duration such as 1h, or a time such as 2027-01-31T12:00:00Z')
  return new Date(at).toISOString()
}

/** `2026-11-21 05:16Z  user.locked  admin  user bob reason left`. */
function lineOf({ subject, data, metadata }: Reply): string {
  const { timestamp, type: _type, ...facts } = (data ?? {}) as Reply
  const actor = (metadata as Reply | undefined)?.['actor'] as Reply | undefined
  const name = String(subject).split('.').slice(-2).join('.')
  const words = [cell(timestamp), name.padEnd(32), cell(actor?.['user']), cell(facts)]
  return `${plain(words.join('  ')).trimEnd()}\n`
}
