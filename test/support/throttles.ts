import { Throttle, THROTTLE, type ThrottleKeeper, type ThrottleOptions } from '../../src/callout/throttle.ts'

const nobody: ThrottleKeeper = { lockedOut: () => undefined, familiar: () => undefined }

/** Counts as the door does; what it wants kept is kept nowhere, unless somebody is named. */
export function aThrottle(options: Partial<ThrottleOptions> = {}, keeper = nobody): Throttle {
  return new Throttle({ ...THROTTLE, ...options }, keeper)
}

/** Where too many passwords of the user were wrong, from everywhere. */
export function lockingOut(user: string, nowMs: number): Throttle {
  const throttle = aThrottle()
  const times = { sinceMs: nowMs, untilMs: nowMs + 1_000 }
  throttle.hold({ account: 'A', user, name: user, failures: 50, ...times })
  return throttle
}

/** Where too many clients of the source have failed, and none is left without an answer. */
export function outOfBudget(source: string, nowMs: number): Throttle {
  const throttle = aThrottle({ sourceFailures: 1, silentMax: 0 })
  throttle.refused(source, nowMs)
  return throttle
}
