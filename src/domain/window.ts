/** Days as the clock on the wall counts them, in the order of `Date.getUTCDay`. */
export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
export type Day = (typeof DAYS)[number]

/** When connections may be: while the clock on the wall of a place shows a time from `start` up to `end`. */
export interface Window {
  /** The name of an IANA time zone: whose clock it is. */
  readonly zone: string
  /** HH:MM or HH:MM:SS. */
  readonly start: string
  /** The same, and another time than `start`. One that is before `start` is on the next day. */
  readonly end: string
  /** The days on which it starts; absent means every day. */
  readonly days?: readonly Day[] | undefined
}

const SECOND = 1_000
const DAY = 86_400 * SECOND

/**
 * How far ahead the end of an open window is looked for. What stays open for longer is asked again then: whoever is
 * connected connects anew.
 */
const AHEAD_MS_MAX = 8 * DAY
/** What is found out at once beyond that, so that it need not be found out again for as long. */
const KNOWN_MS_MAX = DAY

/** Zone names found good. Asking Intl costs tens of microseconds; there are some six hundred zones. */
const knownZones = new Set<string>()
const ZONES_MAX = 1_000

/** Is it the name of an IANA time zone? nats-server reads zone files, whose names begin with capitals; Intl ignores case and takes offsets. */
export function isZone(name: string): boolean {
  if (knownZones.has(name)) return true
  if (!/^[A-Z][\w+-]*(?:\/[A-Z][\w+-]*)*$/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
  } catch {
    return false
  }
  if (knownZones.size < ZONES_MAX) knownZones.add(name)
  return true
}

/** A time during which one of a list of windows is open. */
interface Opening {
  readonly from: number
  /** When it ends, or as far as was looked. */
  readonly until: number
  readonly isEnd: boolean
}

/** Lists of windows never change, they are replaced. While one is open, the answer follows from what is known. */
const opened = new WeakMap<readonly Window[], Opening>()

/**
 * Until when one of the windows is open without a break, in milliseconds since the epoch, at whole seconds; windows
 * that meet count as one. `undefined` while none is open. Looks eight days ahead at most.
 */
export function openUntil(windows: readonly Window[], nowMs: number): number | undefined {
  const horizon = Math.floor(nowMs / SECOND) * SECOND + AHEAD_MS_MAX
  let known = opened.get(windows)
  if (known === undefined || !isAbout(known, { nowMs, horizon })) {
    known = openingAt(windows, { nowMs, last: horizon + KNOWN_MS_MAX })
    if (known === undefined) return undefined
    opened.set(windows, known)
  }
  return Math.min(known.until, horizon) // Of which the next who asks has another.
}

function isAbout(
  { from, until, isEnd }: Opening,
  { nowMs, horizon }: { readonly nowMs: number; readonly horizon: number },
): boolean {
  return from <= nowMs && (isEnd ? nowMs < until : horizon <= until)
}

function openingAt(
  windows: readonly Window[],
  { nowMs, last }: { readonly nowMs: number; readonly last: number },
): Opening | undefined {
  let until = nowMs
  for (let next = endOf(windows, nowMs); next !== undefined; next = endOf(windows, until)) {
    if (next >= last) return { from: nowMs, until: last, isEnd: false }
    until = next
  }
  return until === nowMs ? undefined : { from: nowMs, until, isEnd: true }
}

/** The same for several lists that all have to be open; `Infinity` for none. */
export function allOpenUntil(lists: readonly (readonly Window[])[], nowMs: number): number | undefined {
  let earliest = Infinity
  for (const windows of lists) {
    const until = openUntil(windows, nowMs)
    if (until === undefined) return undefined
    earliest = Math.min(earliest, until)
  }
  return earliest
}

/** The latest end of a window that is open now, or a change of its clock before that, after which it is seen anew. */
function endOf(windows: readonly Window[], nowMs: number): number | undefined {
  let latest: number | undefined
  const walls = new Map<string, number>()
  for (const window of windows) {
    const wall = walls.get(window.zone) ?? wallOf(window.zone, nowMs)
    walls.set(window.zone, wall)
    const left = leftOf(window, wall)
    if (left === undefined) continue
    const end = steadyUntil(window.zone, { offset: wall - nowMs, nowMs }, nowMs + left)
    latest = Math.max(latest ?? end, end)
  }
  return latest
}

/** How long the window stays open by a clock that goes steadily, or `undefined` when it is closed. Milliseconds. */
function leftOf({ start, end, days = DAYS }: Window, wall: number): number | undefined {
  const [from, to, now] = [timeOf(start), timeOf(end), wall % DAY]
  const startsOn = (at: number): boolean => days.includes(DAYS[new Date(at).getUTCDay()] ?? 'sun')
  if (from < to) return now >= from && now < to && startsOn(wall) ? to - now : undefined
  if (now >= from && startsOn(wall)) return DAY - now + to
  return now < to && startsOn(wall - DAY) ? to - now : undefined
}

/** Milliseconds since midnight. */
function timeOf(time: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number)
  return ((hours * 60 + minutes) * 60 + seconds) * SECOND
}

/** The end, or the first second before it at which the clock of the zone has been put forward or back. */
function steadyUntil(
  zone: string,
  { offset, nowMs }: { readonly offset: number; readonly nowMs: number },
  endMs: number,
): number {
  if (offsetOf(zone, endMs) === offset) return endMs
  let [before, after] = [Math.floor(nowMs / SECOND), Math.ceil(endMs / SECOND)]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (offsetOf(zone, middle * SECOND) === offset) before = middle
    else after = middle
  }
  return Math.min(after * SECOND, endMs)
}

function offsetOf(zone: string, ms: number): number {
  return wallOf(zone, ms) - ms
}

const clocks = new Map<string, Intl.DateTimeFormat>()

/** What the clock of the zone shows, as the milliseconds since the epoch at which a clock in UTC would show it. */
function wallOf(zone: string, ms: number): number {
  let clock = clocks.get(zone)
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    clocks.set(zone, clock)
  }
  const [month = 1, day = 1, year = 1970, hour = 0, minute = 0, second = 0] = clock
    .format(ms)
    .split(/\D+/)
    .map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, second) + (ms - Math.floor(ms / SECOND) * SECOND)
}
