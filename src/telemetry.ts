import type { Logger } from 'pino'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Admission, Observer } from './callout/callout.ts'
import { DENY_REASONS, DROP_REASONS, type Denial, type Drop } from './callout/reason.ts'
import type { Verified } from './callout/verify.ts'
import type { Cause } from './sessions/kicking.ts'
import type { Session } from './sessions/session.ts'

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
  kicked(session: Session, cause: Cause): void
  serverConnected(url: string): void
  serverDisconnected(): void
}

/** Characters that the log keeps of a text that anybody may choose, without any credential. */
const CLIENT_TEXT_MAX = 64

const LATENCY_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3]

/** What `up` tells a person about one decision, beside the log. */
export type Told = (line: { readonly outcome: 'admitted' | 'denied'; readonly text: string }) => void

export function createTelemetry(log: Logger, tell: Told): Telemetry {
  const { metrics, decisions, connected, ...others } = createMetrics()

  function count(outcome: string, reason: string, tookMs: number): void {
    decisions.inc({ outcome, reason })
    others.latency.observe({ outcome }, tookMs / 1_000)
  }

  function unfailing<Facts extends readonly unknown[]>(report: (...facts: Facts) => void) {
    return (...facts: Facts): void => {
      try {
        report(...facts)
      } catch {
        others.untold.inc()
      }
    }
  }
  return {
    metrics,
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
        others.resumed.inc()
        const who = { user: user.name, account: account.name, credential: credential.id, expiresAt }
        log.info({ event: 'callout.resumed', ...who, ...factsOf(request), tookMs }, 'session resumed')
      },
    ),
    overloaded: unfailing(() => {
      decisions.inc({ outcome: 'dropped', reason: 'overloaded' })
    }),
    failed: unfailing((error: unknown, during: string) => {
      if (during === 'callout') decisions.inc({ outcome: 'dropped', reason: 'internal_error' })
      log.error({ event: 'failed', during, err: error }, 'unexpected failure')
    }),
    commandDone: unfailing((command: string, outcome: string) => {
      others.commands.inc({ command, outcome })
      log.info({ event: 'command.done', command, outcome }, 'command done')
    }),
    eventLost: unfailing((error: unknown) => {
      others.lostEvents.inc()
      log.error({ event: 'event.lost', err: error }, 'an event did not reach the audit stream')
    }),
    kicked: unfailing(kickedTeller(log, others.kicked)),
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

function kickedTeller(log: Logger, counter: Counter<'reason'>): Telemetry['kicked'] {
  return (session, { reason, detail, correlationId }) => {
    counter.inc({ reason })
    const { decision, server, cid, name: user, account, credential } = session
    const facts = {
      userNkey: decision,
      server,
      cid,
      user,
      account,
      credential,
      reason,
      detail,
      correlationId,
    }
    log.info({ event: 'session.kicked', ...facts }, 'session ended')
  }
}

function createMetrics() {
  const metrics = new Registry()
  const registers = [metrics]
  collectDefaultMetrics({ register: metrics })
  const decisions = new Counter({
    name: 'gatehouse_decisions_total',
    help: 'Authorization requests by outcome (admitted, denied, dropped) and reason.',
    labelNames: ['outcome', 'reason'],
    registers,
  })
  decisions.inc({ outcome: 'admitted', reason: '' }, 0)
  for (const reason of DENY_REASONS) decisions.inc({ outcome: 'denied', reason }, 0)
  for (const reason of DROP_REASONS) decisions.inc({ outcome: 'dropped', reason }, 0)
  const resumed = new Counter({
    name: 'gatehouse_sessions_resumed_total',
    help: 'Open connections that a server asked about again, and that stayed (also counted as admitted).',
    registers,
  })
  const latency = new Histogram({
    name: 'gatehouse_decision_seconds',
    help: 'From the bytes of a request to the bytes of its answer.',
    labelNames: ['outcome'],
    buckets: LATENCY_BUCKETS_SECONDS,
    registers,
  })
  const commands = new Counter({
    name: 'gatehouse_commands_total',
    help: 'Commands by name and outcome (ok, or the code of the error).',
    labelNames: ['command', 'outcome'],
    registers,
  })
  const connected = new Gauge({
    name: 'gatehouse_connected',
    help: 'Is the service connected to NATS?',
    registers,
  })
  const lostEvents = new Counter({
    name: 'gatehouse_events_lost_total',
    help: 'Events of connections and refusals that did not reach the audit stream.',
    registers,
  })
  const kicked = new Counter({
    name: 'gatehouse_sessions_kicked_total',
    help: 'Sessions that were ended, by reason: of a denial, grant_changed, or command.',
    labelNames: ['reason'],
    registers,
  })
  const untold = new Counter({
    name: 'gatehouse_telemetry_failures_total',
    help: 'Facts that could not be logged or told, for example on a full disk.',
    registers,
  })
  return { metrics, decisions, resumed, latency, commands, connected, lostEvents, untold, kicked }
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
