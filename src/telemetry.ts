import type { Logger } from 'pino'
import type { Counter, Registry } from 'prom-client'
import type { Admission, Observer } from './callout/callout.ts'
import type { Denial, Drop } from './callout/reason.ts'
import type { Verified } from './callout/verify.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import type { Departure } from './sessions/presence.ts'
import { correlationOf, type Session } from './sessions/session.ts'

/**
 * One function per fact worth watching. The log gets the detail; the counters get only small, closed sets. None of them
 * throws: a log on a full disk keeps nobody out. What could not be told is counted.
 */
export interface Telemetry extends Observer {
  readonly metrics: Registry
  overloaded(): void
  failed(error: unknown, during: string): void
  commandDone(name: string, outcome: string): void
  eventLost(error: unknown): void
  sessionEnded(session: Session, departure: Departure): void
  serverConnected(url: string): void
  serverDisconnected(): void
}

/** Characters that the log keeps of a text that anybody may choose, without any credential. */
const CLIENT_TEXT_MAX = 64

/** What `up` tells a person about one decision, beside the log. */
export type Told = (line: { readonly outcome: 'admitted' | 'denied'; readonly text: string }) => void

export function createTelemetry(log: Logger, tell: Told): Telemetry {
  const metrics = createMetrics()
  const book: Book = { log, tell, metrics, unfailing: (report) => unfailing(report, metrics.untold) }
  return { metrics: metrics.registry, ...decisionsIn(book), ...servicesIn(book) }
}

interface Book {
  readonly log: Logger
  readonly tell: Told
  readonly metrics: Metrics
  readonly unfailing: <Facts extends readonly unknown[]>(
    report: (...facts: Facts) => void,
  ) => (...facts: Facts) => void
}

function unfailing<Facts extends readonly unknown[]>(report: (...facts: Facts) => void, untold: Counter) {
  return (...facts: Facts): void => {
    try {
      report(...facts)
    } catch {
      untold.inc()
    }
  }
}

/** What is told of each request. */
function decisionsIn({ log, tell, metrics, unfailing }: Book): Observer {
  const { decisions, resumed, latency } = metrics

  function count(outcome: string, reason: string, tookMs: number): void {
    decisions.inc({ outcome, reason })
    latency.observe({ outcome }, tookMs / 1_000)
  }

  return {
    dropped: unfailing(({ reason }: Drop, tookMs: number) => {
      count('dropped', reason, tookMs)
      log.warn({ event: 'callout.dropped', reason }, 'request dropped')
    }),
    denied: unfailing((request: Verified, { reason, detail }: Denial, tookMs: number) => {
      count('denied', reason, tookMs)
      tell({ outcome: 'denied', text: `${whence(request)}: ${reason}` })
      log.info({ event: 'callout.denied', reason, detail, ...factsOf(request), tookMs }, 'client denied')
    }),
    admitted: unfailing(
      (request: Verified, { user, account, credential, expiresAt }: Admission, tookMs: number) => {
        count('admitted', '', tookMs)
        tell({ outcome: 'admitted', text: `${user.name} in ${account.name}, ${whence(request)}` })
        const who = { user: user.name, account: account.name, credential: credential.id, expiresAt }
        log.info({ event: 'callout.admitted', ...who, ...factsOf(request), tookMs }, 'client admitted')
      },
    ),
    resumed: unfailing(
      (request: Verified, { user, account, credential, expiresAt }: Admission, tookMs: number) => {
        count('admitted', '', tookMs)
        resumed.inc()
        const who = { user: user.name, account: account.name, credential: credential.id, expiresAt }
        log.info({ event: 'callout.resumed', ...who, ...factsOf(request), tookMs }, 'session resumed')
      },
    ),
  }
}

/** What is told of everything else. */
function servicesIn({ log, metrics, unfailing }: Book): Omit<Telemetry, 'metrics' | keyof Observer> {
  const { decisions, commands, connected, lostEvents } = metrics
  return {
    overloaded: unfailing(() => {
      decisions.inc({ outcome: 'dropped', reason: 'overloaded' })
    }),
    failed: unfailing((error: unknown, during: string) => {
      if (during === 'callout') decisions.inc({ outcome: 'dropped', reason: 'internal_error' })
      log.error({ event: 'failed', during, err: error }, 'unexpected failure')
    }),
    commandDone: unfailing((command: string, outcome: string) => {
      commands.inc({ command, outcome })
      log.info({ event: 'command.done', command, outcome }, 'command done')
    }),
    eventLost: unfailing((error: unknown) => {
      lostEvents.inc()
      log.error({ event: 'event.lost', err: error }, 'an event did not reach the audit stream')
    }),
    sessionEnded: unfailing((session: Session, { reason, sent, received }: Departure) => {
      const { server, cid, account, name: user, credential, since, client } = session
      const where = { server, cid, source: client.host, kind: client.kind, type: client.type }
      const who = { user, account, credential, userNkey: correlationOf(session), client: client.name }
      log.info({ event: 'session.ended', reason, ...who, ...where, since, sent, received }, 'session ended')
    }),
    serverConnected: unfailing((url: string) => {
      connected.set(1)
      log.info({ event: 'nats.connected', url }, 'connected to NATS')
    }),
    serverDisconnected: unfailing(() => {
      connected.set(0)
      log.warn({ event: 'nats.disconnected' }, 'disconnected from NATS')
    }),
  }
}

/** What may be told of a request: never `connect_opts`, which holds the secrets. */
function factsOf({ claims: { iss, nats } }: Verified) {
  const { client_info: client } = nats
  return {
    userNkey: nats.user_nkey,
    server: iss,
    cid: client.id,
    source: client.host,
    kind: client.kind,
    type: client.type,
    client: client.name?.slice(0, CLIENT_TEXT_MAX),
  }
}

function whence({ claims: { nats } }: Verified): string {
  return `${nats.client_info.type ?? 'a client'} from ${nats.client_info.host ?? 'somewhere'}`
}
