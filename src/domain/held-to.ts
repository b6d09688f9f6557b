import { changedLimit } from './limit-words.ts'
import { limitsBeyond, type MergedLimits } from './limits.ts'

/** What limits come to leave open, what they leave open no more, and what they move; in words. */
interface Held {
  readonly gain: readonly string[]
  readonly loss: readonly string[]
  /** Neither wider nor narrower, as hours by another clock. */
  readonly change: readonly string[]
}

const LIMITS = [
  'lifetimeSeconds',
  'sources',
  'connectionTypes',
  'windows',
  'sessions',
  'sessionsPerCredential',
  'keepSessions',
] as const

/** Holds the limits of a grant before a change against those after it: each is told once. */
export function heldTo(before: MergedLimits, after: MergedLimits): Held {
  const held = { gain: [] as string[], loss: [] as string[], change: [] as string[] }
  for (const name of LIMITS) {
    const [was, is] = [only(name, before), only(name, after)]
    const isWider = limitsBeyond(is, was) !== undefined
    const isNarrower = limitsBeyond(was, is) !== undefined
    if (!isWider && !isNarrower) continue
    const list = isWider && isNarrower ? held.change : isWider ? held.gain : held.loss
    list.push(changedLimit(name, before, after))
  }
  return held
}

/** One limit alone, as it holds: where nobody says which sessions stay, it is the oldest. */
function only(name: (typeof LIMITS)[number], limits: MergedLimits): MergedLimits {
  return name === 'keepSessions'
    ? { keepSessions: limits.keepSessions ?? 'oldest' }
    : { [name]: limits[name] }
}
