const DURATIONS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

/** Milliseconds as people write them, and as commands and documents read them: `8h`, `1h30m`, `2m`. */
export function durationText(ms: number): string {
  let rest = ms
  let text = ''
  for (const [unit, each] of DURATIONS) {
    const count = Math.floor(rest / each)
    if (count > 0) text += `${count}${unit}`
    rest %= each
  }
  return text
}
