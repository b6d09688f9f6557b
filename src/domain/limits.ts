import { commonNetworks, holdsNetwork, minimalNetworks } from './network.ts'
import type { ConnectionType, KeepSessions, PolicyLimits } from './policy.ts'
import { DAYS, type Window } from './window.ts'

/** What the limits of several policies come to: all of them hold. What is absent is not limited. */
export interface MergedLimits {
  /** The shortest, in seconds. */
  readonly lifetimeSeconds?: number | undefined
  /** The networks that are in every list, in their shortest spelling; none of them means nowhere. */
  readonly sources?: readonly string[] | undefined
  /** The kinds that are in every list; none of them means none. */
  readonly connectionTypes?: readonly ConnectionType[] | undefined
  /** The windows of each policy: one of each list has to be open. */
  readonly windows?: readonly (readonly Window[])[] | undefined
  /** The smallest number of connections at a time. */
  readonly sessions?: number | undefined
  readonly sessionsPerCredential?: number | undefined
  /** `oldest` where any says so: to refuse is the stricter. */
  readonly keepSessions?: KeepSessions | undefined
}

/** Intersects: whoever may enter by the outcome may enter by each of the limits, and the other way round. */
export function mergeLimits(limits: readonly PolicyLimits[]): MergedLimits {
  return limits.map(merged).reduce(commonLimits, {})
}

/** What both limits come to. */
export function commonLimits(left: MergedLimits, right: MergedLimits): MergedLimits {
  return {
    lifetimeSeconds: both(left.lifetimeSeconds, right.lifetimeSeconds, Math.min),
    sources: both(left.sources, right.sources, commonNetworks),
    connectionTypes: both(left.connectionTypes, right.connectionTypes, (ours, theirs) =>
      ours.filter((type) => theirs.includes(type)),
    ),
    windows: both(left.windows, right.windows, (ours, theirs) => [...new Set([...ours, ...theirs])]),
    sessions: both(left.sessions, right.sessions, Math.min),
    sessionsPerCredential: both(left.sessionsPerCredential, right.sessionsPerCredential, Math.min),
    keepSessions: both(left.keepSessions, right.keepSessions, (ours, theirs) =>
      ours === theirs ? ours : 'oldest',
    ),
  }
}

/**
 * Where limits let somebody in who others keep out, in words; `undefined` when they do so nowhere. In doubt they do:
 * windows count as within others only where each lies in one of them, by the same clock.
 */
export function limitsBeyond(given: MergedLimits, cap: MergedLimits): string | undefined {
  if ((given.lifetimeSeconds ?? Infinity) > (cap.lifetimeSeconds ?? Infinity)) return 'a longer lifetime'
  const { sources, connectionTypes, windows = [] } = cap
  if (sources !== undefined) {
    const outside = outsideOf(given.sources, (network) => holdsNetwork(sources, network))
    if (outside !== undefined) return `connections from ${outside ?? 'anywhere'}`
  }
  if (connectionTypes !== undefined) {
    const outside = outsideOf(given.connectionTypes, (type) => connectionTypes.includes(type))
    if (outside !== undefined) return `connections of ${outside ?? 'any'} kind`
  }
  if (!windows.every((list) => given.windows?.some((each) => isWithin(each, list)))) return 'more hours'
  return sessionsBeyond(given, cap)
}

function sessionsBeyond(given: MergedLimits, cap: MergedLimits): string | undefined {
  if ((given.sessions ?? Infinity) > (cap.sessions ?? Infinity)) return 'more connections at a time'
  if ((given.sessionsPerCredential ?? Infinity) > (cap.sessionsPerCredential ?? Infinity))
    return 'more connections by one credential at a time'
  const isInstead = given.keepSessions === 'newest' && cap.keepSessions === 'oldest'
  return isInstead ? 'new connections in the place of old ones' : undefined
}

/** The first that does not hold; `null` where everything is allowed. */
function outsideOf<Item>(
  list: readonly Item[] | undefined,
  isInside: (item: Item) => boolean,
): Item | null | undefined {
  return list === undefined ? null : list.find((item) => !isInside(item))
}

function isWithin(windows: readonly Window[], wider: readonly Window[]): boolean {
  return windows.every((each) => wider.some((other) => isInWindow(each, other)))
}

/** By the same clock, on the same days, at the same times or at fewer of them. */
function isInWindow(inner: Window, outer: Window): boolean {
  if (inner.zone !== outer.zone) return false
  const { days = DAYS } = outer
  if (!(inner.days ?? DAYS).every((day) => days.includes(day))) return false
  const [from, to] = spanOf(inner)
  const [start, end] = spanOf(outer)
  return start <= from && to <= end
}

/** From start to end in one row: what is after midnight comes after the day. As text, which sorts as times do. */
function spanOf({ start, end }: Window): readonly [string, string] {
  const [from, to] = [start, end].map((time) => time.padEnd('HH:MM:SS'.length, ':00')) as [string, string]
  return [`0${from}`, from < to ? `0${to}` : `1${to}`]
}

function merged({
  lifetimeSeconds,
  sources,
  connectionTypes,
  windows,
  sessions,
  sessionsPerCredential,
  keepSessions,
}: PolicyLimits): MergedLimits {
  return {
    lifetimeSeconds,
    sources: sources && minimalNetworks(sources),
    connectionTypes,
    windows: windows && [windows],
    sessions,
    sessionsPerCredential,
    keepSessions,
  }
}

/** Where only one of them says something, that holds. */
function both<Value>(
  left: Value | undefined,
  right: Value | undefined,
  common: (left: Value, right: Value) => Value,
): Value | undefined {
  if (left === undefined || right === undefined) return left ?? right
  return common(left, right)
}
