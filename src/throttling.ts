import type { NatsConnection } from '@nats-io/transport-node'
import { z } from 'zod'
import type { Lockouts } from './admin/lockouts.ts'
import type { ThrottleReport } from './callout/throttle-report.ts'
import { Throttle, THROTTLE, type ThrottleOptions } from './callout/throttle.ts'
import { LockoutStore } from './nats/lockout-store.ts'
import type { EventRecorder } from './nats/event-recorder.ts'
import type { Gossip } from './sessions/gossip.ts'
import type { Telemetry } from './telemetry.ts'

/** What replicas tell each other of failures. */
const TOPIC = 'throttle'
/** How often: a lockout that two replicas come to together may be late by this. */
const TELL_MS = 250
/** Lockouts of one user that are ended at a time. */
const RELEASED_MAX = 1_000

export interface Throttling {
  readonly throttle: Throttle
  readonly store: LockoutStore
}

interface ThrottlingParts {
  readonly nc: NatsConnection
  readonly gossip: Gossip
  readonly recorder: EventRecorder
  readonly telemetry: Telemetry
  readonly throttle?: Partial<ThrottleOptions> | undefined
  readonly nowMs: () => number
}

/** The throttle of this replica, and what it has in common with the others. What it opens is closed by `opened`. */
export async function openThrottling(
  { nc, gossip, recorder, telemetry, throttle: options, nowMs }: ThrottlingParts,
  opened: AsyncDisposable[],
): Promise<Throttling> {
  const store = await LockoutStore.open(nc, {
    nowMs,
    onStored: (lockout) => recorder.lockedOut(lockout),
    onLost: (error) => telemetry.failed(error, 'keeping lockouts'),
  })
  opened.push(store)
  const throttle = new Throttle({ ...THROTTLE, ...options }, store)
  await store.tell({
    held: (lockout) => throttle.hold(lockout),
    released: (user, source) => throttle.release(user, source),
    familiar: (user, sources) => throttle.learn(user, sources),
  })
  opened.push(sharing(throttle, gossip, nowMs))
  return { throttle, store }
}

/** In batches: however many try, the replicas have little to tell each other. */
function sharing(throttle: Throttle, gossip: Gossip, nowMs: () => number): AsyncDisposable {
  gossip.hear(TOPIC, (heard) => {
    const report = reportHeard.safeParse(heard)
    if (report.success) throttle.hear(report.data, nowMs())
  })
  const tell = (): void => {
    const report = throttle.report()
    if (report !== undefined) gossip.tell(TOPIC, report)
  }
  const timer = setInterval(tell, TELL_MS)
  timer.unref()
  return {
    [Symbol.asyncDispose]() {
      clearInterval(timer)
      tell()
      return Promise.resolve()
    },
  }
}

/** Another version of the service may say more. */
const source = z.string()
const count = z.int().positive().max(10_000)
const reportHeard: z.ZodType<ThrottleReport> = z.object({
  logins: z.array(z.object({ user: z.string(), source })),
  failures: z.array(z.object({ account: z.string(), user: z.string(), name: z.string(), source, count })),
  refusals: z.array(z.object({ source, count })),
})

/** For commands, which are put together before the throttle is open. */
export function lockoutsOf(throttling: () => Throttling): Lockouts {
  return {
    page: (of, place) => throttling().store.page(of, place),
    async release(whose, source) {
      const { throttle, store } = throttling()
      const { lockouts } = await store.page(whose, { after: 0, limit: RELEASED_MAX })
      const held = source === undefined ? lockouts : lockouts.filter((each) => each.source === source)
      const all = [undefined, ...held.map((each) => each.source), ...throttle.countedSources(whose.user)]
      const ended = source === undefined ? [...new Set(all)] : [source]
      await store.release(whose, ended)
      for (const each of ended) throttle.release(whose.user, each) // The other replicas hear of it.
      return held.length
    },
  }
}
