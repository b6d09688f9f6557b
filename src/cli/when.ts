import { misused } from './options.ts'

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `1h` ago, or a time. RFC 3339. Throws `invalid_request` that names the flag. */
export function whenOf(flag: string, text: string, nowMs: number): string {
  const [, n, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN
  const at = n === undefined ? time : nowMs - Number(n) * (UNIT_MS[unit] ?? 0)
  if (Number.isNaN(at))
    throw misused(flag, 'must be a duration such as 1h, or a time such as 2027-01-31T12:00:00Z')
  return new Date(at).toISOString()
}
