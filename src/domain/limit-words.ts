import { durationText } from './duration.ts'
import type { MergedLimits } from './limits.ts'
import { DAYS, type Day, type Window } from './window.ts'

/** How each limit is said to people: what it is now, and what it was. */

type Limit = keyof MergedLimits

/** One limit after a change, and before it: `lifetime 8h (was 1h)`. */
export function changedLimit(name: Limit, before: MergedLimits, after: MergedLimits): string {
  const was = (name === 'windows' ? shortened(before, after) : undefined) ?? TEXTS[name](before)
  return `${NAMES[name]} ${TEXTS[name](after)} (was ${was})`
}

const NAMES: Readonly<Record<Limit, string>> = {
  lifetimeSeconds: 'lifetime',
  sources: 'sources',
  connectionTypes: 'connection types',
  windows: 'may connect',
  sessions: 'sessions',
  sessionsPerCredential: 'sessions by one credential',
  keepSessions: 'of too many sessions stay the',
}

const TEXTS: Readonly<Record<Limit, (limits: MergedLimits) => string>> = {
  lifetimeSeconds: ({ lifetimeSeconds: seconds }) =>
    seconds === undefined ? 'without end' : durationText(seconds * 1_000),
  sources: ({ sources }) => listed(sources, { all: 'anywhere', none: 'nowhere' }),
  connectionTypes: ({ connectionTypes }) => listed(connectionTypes, { all: 'any', none: 'none' }),
  windows: ({ windows }) => windowsText(windows ?? []),
  sessions: ({ sessions }) => numberText(sessions),
  sessionsPerCredential: ({ sessionsPerCredential }) => numberText(sessionsPerCredential),
  keepSessions: ({ keepSessions = 'oldest' }) => keepSessions,
}

function numberText(most: number | undefined): string {
  return most === undefined ? 'any number' : String(most)
}

function listed(
  items: readonly string[] | undefined,
  { all, none }: { readonly all: string; readonly none: string },
): string {
  if (items === undefined) return all
  return items.length === 0 ? none : items.join(', ')
}

/** One window of each list has to be open. */
function windowsText(lists: readonly (readonly Window[])[]): string {
  if (lists.length === 0) return 'at any time'
  const texts = lists.map((list) => list.map(windowText).join(' or '))
  return texts.length === 1 ? texts.join('') : texts.map((text) => `(${text})`).join(' and ')
}

/** `Mon–Fri 08:00–18:00 Europe/Berlin` */
export function windowText(window: Window): string {
  return `${daysText(window)}${timesText(window)} ${window.zone}`
}

/** Of one window that was another one, by the same clock, what is not the same. */
function shortened({ windows: before }: MergedLimits, { windows: after }: MergedLimits): string | undefined {
  const [was, is] = [before, after].map((lists) => (lists?.length === 1 ? lists[0] : undefined))
  const [[old], [now]] = [was ?? [], is ?? []]
  if (was?.length !== 1 || is?.length !== 1 || old === undefined || now?.zone !== old.zone) return undefined
  return `${daysText(old) === daysText(now) ? '' : daysText(old)}${timesText(old)}`
}

function timesText({ start, end }: Window): string {
  return `${start}–${end}`
}

const WEEK: readonly Day[] = [...DAYS.slice(1), ...DAYS.slice(0, 1)]
const SHORTEST_ROW = 3

/** `Mon–Fri `, `Sat, Sun `; nothing for every day. */
function daysText({ days = DAYS }: Window): string {
  if (WEEK.every((day) => days.includes(day))) return ''
  const rows: Day[][] = []
  for (const [i, day] of WEEK.entries()) {
    if (!days.includes(day)) continue
    const before = WEEK[i - 1]
    const row = rows.at(-1)
    if (row !== undefined && row.at(-1) === before) row.push(day)
    else rows.push([day])
  }
  const texts = rows.map((row) =>
    row.length < SHORTEST_ROW ? row.map(capital).join(', ') : `${capital(row[0])}–${capital(row.at(-1))}`,
  )
  return `${texts.join(', ')} `
}

function capital(day: Day | undefined): string {
  return day === undefined ? '' : day.slice(0, 1).toUpperCase() + day.slice(1)
}
