import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { DENY_REASONS, DROP_REASONS } from './callout/reason.ts'

const LATENCY_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3]

/** Counters with small, closed sets of labels. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
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
  return { registry, decisions, resumed, latency, commands, connected, lostEvents, kicked, untold }
}

export type Metrics = ReturnType<typeof createMetrics>
