import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { allOpenUntil, DAYS, isZone, openUntil, type Window } from '../../src/domain/window.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const BERLIN = 'Europe/Berlin'

const at = (text: string): number => Date.parse(text)
const window = (start: string, end: string, facts: Partial<Window> = {}): Window => ({
  zone: BERLIN,
  start,
  end,
  ...facts,
})
const until = (windows: readonly Window[], now: string): string | undefined => {
  const end = openUntil(windows, at(now))
  return end === undefined ? undefined : new Date(end).toISOString()
}

/** The model: asks Intl what the clock on the wall shows, and looks. */
const clocks = new Map<string, Intl.DateTimeFormat>()
function isOpen({ zone, start, end, days = DAYS }: Window, ms: number): boolean {
  let clock = clocks.get(zone)
  if (clock === undefined) {
    const parts = { weekday: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' } as const
    clocks.set(
      zone,
      (clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', ...parts })),
    )
  }
  const shown = Object.fromEntries(clock.formatToParts(ms).map(({ type, value }) => [type, value]))
  const time = `${shown['hour']!}:${shown['minute']!}:${shown['second']!}`
  const today = DAYS.indexOf(shown['weekday']!.toLowerCase() as (typeof DAYS)[number])
  const yesterday = (today + 6) % 7
  const startsOn = (day: number): boolean => days.includes(DAYS[day]!)
  const [from, to] = [start, end].map((text) => text.padEnd(8, ':00')) as [string, string]
  if (from < to) return from <= time && time < to && startsOn(today)
  return (from <= time && startsOn(today)) || (time < to && startsOn(yesterday))
}

/** Minute by minute, as all that is asked about happens at whole minutes. */
function modelUntil(windows: readonly Window[], nowMs: number): number | undefined {
  const last = Math.floor(nowMs / 1_000) * 1_000 + 8 * DAY
  let ms = nowMs
  while (ms < last && windows.some((each) => isOpen(each, ms))) ms = Math.min(nextMinute(ms), last)
  return ms === nowMs ? undefined : ms
}
const nextMinute = (ms: number): number => (Math.floor(ms / MINUTE) + 1) * MINUTE

const ZONES = [BERLIN, 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'UTC'] as const
/** Around both changes of the clock in each of the zones, and when nothing happens. */
const CHANGES = [
  '2026-03-29',
  '2026-10-25',
  '2026-03-08',
  '2026-11-01',
  '2026-04-05',
  '2026-10-04',
  '2026-07-01',
]
const moment = fc
  .tuple(fc.constantFrom(...CHANGES), fc.integer({ min: -2 * DAY, max: 2 * DAY }))
  .map(([day, off]) => at(`${day}T02:00:00Z`) + off)
const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom('00', '15', '30', '59'))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${minute}`)
const aWindow = fc
  .record({
    zone: fc.constantFrom(...ZONES),
    start: time,
    end: time,
    days: fc.option(fc.uniqueArray(fc.constantFrom(...DAYS), { minLength: 1 }), { nil: undefined }),
  })
  .filter(({ start, end }) => start !== end)
const windowList = fc.array(aWindow, { minLength: 1, maxLength: 3 })
/** Two that meet at both ends are open all the time, but where the clock is changed or a day is missing. */
const meetingList = fc
  .tuple(aWindow, aWindow)
  .filter(([{ start }, { end }]) => start !== end)
  .map(([one, other]) => [one, { ...one, start: one.end, end: one.start, days: other.days }])

describe('a window', () => {
  it('is open from its start up to its end, by the clock of its zone', () => {
    const office = [window('08:00', '18:00')]
    expect(until(office, '2026-07-01T05:59:59.999Z')).toBeUndefined() // 07:59:59 in Berlin, in summer
    expect(until(office, '2026-07-01T06:00:00Z')).toBe('2026-07-01T16:00:00.000Z')
    expect(until(office, '2026-07-01T15:59:59.999Z')).toBe('2026-07-01T16:00:00.000Z')
    expect(until(office, '2026-07-01T16:00:00Z')).toBeUndefined()
    expect(until(office, '2026-01-15T07:00:00Z')).toBe('2026-01-15T17:00:00.000Z') // in winter
  })

  it('that crosses midnight belongs to the day on which it starts', () => {
    const night = [window('22:00', '06:00', { days: ['fri'] })]
    expect(until(night, '2026-07-03T20:00:00Z')).toBe('2026-07-04T04:00:00.000Z') // Friday, 22:00
    expect(until(night, '2026-07-04T03:59:00Z')).toBe('2026-07-04T04:00:00.000Z') // Saturday, 05:59
    expect(until(night, '2026-07-04T20:30:00Z')).toBeUndefined()
    expect(until(night, '2026-07-03T03:00:00Z')).toBeUndefined() // Friday, 05:00, is of Thursday
  })

  it('lasts an hour less or more on the days on which the clock is changed', () => {
    const night = [window('00:00', '06:00')]
    expect(until(night, '2026-03-28T23:00:00Z')).toBe('2026-03-29T04:00:00.000Z')
    expect(until(night, '2026-10-24T22:00:00Z')).toBe('2026-10-25T05:00:00.000Z')
  })

  it('ends at once where the clock is put forward over its end', () => {
    expect(until([window('01:30', '02:30')], '2026-03-29T00:45:00Z')).toBe('2026-03-29T01:00:00.000Z')
  })

  it('opens twice where the clock is put back over it', () => {
    const brief = [window('02:15', '02:45')]
    expect(until(brief, '2026-10-25T00:15:00Z')).toBe('2026-10-25T00:45:00.000Z')
    expect(until(brief, '2026-10-25T00:45:00Z')).toBeUndefined()
    expect(until(brief, '2026-10-25T01:15:00Z')).toBe('2026-10-25T01:45:00.000Z')
  })

  it('that meets another one goes on in it, in whatever zone that is', () => {
    const shifts = [window('08:00', '18:00'), window('12:00', '22:00', { zone: 'America/New_York' })]
    expect(until(shifts, '2026-07-01T15:59:00Z')).toBe('2026-07-02T02:00:00.000Z')
    expect(until([window('08:00', '18:00'), window('18:00', '22:00')], '2026-07-01T15:59:00Z')).toBe(
      '2026-07-01T20:00:00.000Z',
    )
  })

  it('counts seconds', () => {
    expect(until([window('08:00:30', '08:00:45')], '2026-07-01T06:00:30.500Z')).toBe(
      '2026-07-01T06:00:45.000Z',
    )
  })

  it('that never closes is looked at anew after eight days', () => {
    const always = [window('00:00', '12:00'), window('12:00', '00:00')]
    expect(until(always, '2026-07-01T06:00:00.123Z')).toBe('2026-07-09T06:00:00.000Z')
  })

  it('that never closes is looked at once a day', () => {
    const always = [window('00:00', '12:00'), window('12:00', '00:00')]
    until(always, '2026-07-01T06:00:00Z')
    const clock: { readonly format: unknown } = Intl.DateTimeFormat.prototype
    const looks = vi.spyOn(clock, 'format', 'get')
    expect(until(always, '2026-07-02T06:00:00Z')).toBe('2026-07-10T06:00:00.000Z')
    expect(looks).not.toHaveBeenCalled()
    expect(until(always, '2026-07-02T06:00:01Z')).toBe('2026-07-10T06:00:01.000Z')
    expect(looks).toHaveBeenCalled()
    looks.mockRestore()
  })

  it('is open when and as long as a clock that is looked at every minute says', () => {
    const found = new Set<boolean>()
    fc.assert(
      fc.property(windowList, moment, (windows, nowMs) => {
        const end = openUntil(windows, nowMs)
        found.add(end === undefined)
        expect(end).toBe(modelUntil(windows, nowMs))
      }),
      { numRuns: 1_000 },
    )
    expect(found).toEqual(new Set([true, false]))
  })

  it('says the same again, and the same to whoever asks later', () => {
    const lists = fc.oneof(windowList, meetingList)
    fc.assert(
      fc.property(lists, moment, fc.integer({ min: 0, max: 3 * DAY }), (windows, nowMs, later) => {
        const first = openUntil(windows, nowMs)
        expect(openUntil(windows, nowMs)).toBe(first)
        expect(openUntil(windows, nowMs + later)).toBe(openUntil([...windows], nowMs + later))
      }),
      { numRuns: 500 },
    )
  })
})

describe('several lists of windows', () => {
  it('are open while all of them are, and none at all is always', () => {
    fc.assert(
      fc.property(fc.array(windowList, { maxLength: 3 }), moment, (lists, nowMs) => {
        const ends = lists.map((each) => openUntil(each, nowMs))
        const isShut = ends.includes(undefined)
        expect(allOpenUntil(lists, nowMs)).toBe(isShut ? undefined : Math.min(...ends.map((end) => end!)))
      }),
      { numRuns: 300 },
    )
    expect(allOpenUntil([], 0)).toBe(Infinity)
  })
})

describe('a zone', () => {
  it.each(['UTC', 'Europe/Berlin', 'America/Argentina/Ushuaia', 'Etc/GMT+1'])('may be %s', (name) => {
    expect(isZone(name)).toBe(true)
  })
  it.each(['', 'utc', 'europe/berlin', '+02:00', 'Mars/Olympus', 'Europe/', '../etc/passwd'])(
    'is not %j',
    (name) => {
      expect(isZone(name)).toBe(false)
    },
  )
})
