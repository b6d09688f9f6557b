import {
  DiscardPolicy,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { BUCKET } from '../domain/state-keys.ts'
import { patiently } from './patience.ts'

/** The stream behind the bucket. */
export const STATE_STREAM = `KV_${BUCKET}`
/** Subjects of the bucket's keys are `$KV.gatehouse.<key>`. */
export const STATE_PREFIX = `$KV.${BUCKET}.`

/** The streams behind the buckets of what is not an aggregate. */
export const SESSIONS_STREAM = 'KV_gatehouse-sessions'
export const SESSIONS_PREFIX = '$KV.gatehouse-sessions.'
export const ACTIVITY_STREAM = 'KV_gatehouse-activity'
export const ACTIVITY_PREFIX = '$KV.gatehouse-activity.'
export const LOCKOUTS_STREAM = 'KV_gatehouse-lockouts'
export const LOCKOUTS_PREFIX = '$KV.gatehouse-lockouts.'
/** A million connections, of about 1 KiB each. */
const SESSIONS_MAX = 1_000_000
const LOCKOUTS_MAX = 100_000

/** Who did what. */
export const AUDIT_STREAM = 'auth-events'
/** Its subjects are `auth.event.<account or operator>.<aggregate>.<type>`. */
export const AUDIT_PREFIX = 'auth.event.'
/** An event that is told twice within this time is one: by a second attempt, or by a second replica. */
const DUPLICATES_MS_MAX = 120_000
const NANOS_PER_MS = 1_000_000
const STREAM_NOT_FOUND = 10_059

/** What JetStream holds for us: architecture section 6, mission row B1. */
export interface StorageOptions {
  /** 1 on a single server, 3 in a cluster. */
  readonly replicas: number
  readonly audit?: AuditLimits | undefined
}

/** How much of the past the audit stream keeps; the oldest goes first. */
export interface AuditLimits {
  readonly maxAgeMs: number
  readonly maxMessages: number
  readonly maxBytes: number
}

/** Mission row B1. */
const AUDIT_LIMITS: AuditLimits = { maxAgeMs: 7 * 86_400_000, maxMessages: 100_000, maxBytes: 100_000_000 }

const LIVE_CONFIGS = [sessionsConfig, activityConfig, lockoutsConfig]

/** Makes the state bucket and the audit stream, or brings them to what they should be. */
export async function ensureStreams(nc: NatsConnection, options: StorageOptions): Promise<void> {
  const manager = await patiently(() => jetstreamManager(nc))
  const configs = [stateConfig, auditConfig, ...LIVE_CONFIGS]
  for (const configOf of configs) await patiently(() => ensure(manager, configOf(options)))
}

/** Makes the buckets of what is not an aggregate: those in memory end with the servers that hold them. */
export async function ensureLiveBuckets(nc: NatsConnection, options: StorageOptions): Promise<void> {
  const manager = await jetstreamManager(nc)
  for (const configOf of LIVE_CONFIGS) await ensure(manager, configOf(options))
}

/** A KV bucket (ADR-8) that takes atomic batches (ADR-50), so that one commit holds state, indexes and events. */
function stateConfig({ replicas }: StorageOptions): Partial<StreamConfig> & { name: string } {
  return {
    name: STATE_STREAM,
    description: 'Gatehouse: operator, accounts, users, policies',
    subjects: [`${STATE_PREFIX}>`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    allow_rollup_hdrs: true,
    allow_direct: true,
    allow_atomic: true,
    allow_msg_ttl: true,
    deny_delete: true,
    num_replicas: replicas,
  }
}

/**
 * The audit stream takes committed events from the bucket by itself, without their last token, the id that keeps
 * them apart there; events of connections are published to it (reference I.2).
 */
function auditConfig({
  replicas,
  audit = AUDIT_LIMITS,
}: StorageOptions): Partial<StreamConfig> & { name: string } {
  return {
    name: AUDIT_STREAM,
    description: 'Gatehouse: who did what',
    subjects: [`${AUDIT_PREFIX}>`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_age: audit.maxAgeMs * NANOS_PER_MS,
    max_msgs: audit.maxMessages,
    max_bytes: audit.maxBytes,
    // What is not kept any more is not recognised either: JetStream refuses a longer window.
    duplicate_window: Math.min(DUPLICATES_MS_MAX, audit.maxAgeMs) * NANOS_PER_MS,
    allow_direct: true,
    num_replicas: replicas,
    sources: [
      {
        name: STATE_STREAM,
        subject_transforms: [
          {
            src: `${STATE_PREFIX}event.*.*.*.*`,
            dest: 'auth.event.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}',
          },
        ],
      },
    ],
  }
}

/** A bucket whose keys may go by themselves, after a time that each says. */
function passing(name: string): Partial<StreamConfig> & { name: string } {
  return {
    name,
    subjects: [`${name.replace(/^KV_/, '$KV.')}.>`],
    retention: RetentionPolicy.Limits,
    max_msgs_per_subject: 1,
    allow_rollup_hdrs: true,
    allow_direct: true,
    allow_msg_ttl: true,
  }
}

/**
 * In memory, so that it keeps up with a storm of connections, whatever the disk does. It is lost only when the servers
 * that hold it end, and what it says of connections to them is then no longer true.
 */
function sessionsConfig({ replicas }: StorageOptions): Partial<StreamConfig> & { name: string } {
  return {
    ...passing(SESSIONS_STREAM),
    description: 'Gatehouse: who is connected',
    storage: StorageType.Memory,
    discard: DiscardPolicy.New,
    max_msgs: SESSIONS_MAX,
    num_replicas: replicas,
  }
}

/** Who was last here when: on disk, for it should survive a restart of everything. */
function activityConfig({ replicas }: StorageOptions): Partial<StreamConfig> & { name: string } {
  return {
    ...passing(ACTIVITY_STREAM),
    description: 'Gatehouse: when users were last connected',
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    num_replicas: replicas,
  }
}

/** On disk: lockouts and familiar sources are written rarely, and nobody should get rid of one by ending a server. */
function lockoutsConfig({ replicas }: StorageOptions): Partial<StreamConfig> & { name: string } {
  return {
    ...passing(LOCKOUTS_STREAM),
    description: 'Gatehouse: whose passwords are not tried, and where users are at home',
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_msgs: LOCKOUTS_MAX,
    num_replicas: replicas,
  }
}

async function ensure(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  try {
    await manager.streams.info(config.name)
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NOT_FOUND) throw error
    await manager.streams.add(config)
    return
  }
  await manager.streams.update(config.name, config)
}
