import type { AuditEvent } from './transaction.ts'

/** The shape of `data` and `metadata`; it counts up when a reader would have to know. */
export const EVENT_SCHEMA = 1

/** Which replica tells of it, and when. */
export interface Stamp {
  /** A fresh ULID. */
  readonly id: string
  /** RFC 3339. */
  readonly at: string
  readonly version: string
  /** What the people who run it call this system, such as `production`. */
  readonly environment?: string | undefined
}

/** What became true, and of whom it is told: an account (A…), or the operator. */
export interface Happening {
  readonly audience: string
  /** `<aggregate>.<what happened>` */
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  /** Whatever is known of who did it, and why: actor, commandId, correlationId. */
  readonly cause: Readonly<Record<string, unknown>>
}

export function auditEvent({ audience, type, data, cause }: Happening, stamp: Stamp): AuditEvent {
  const { id, at, version, environment } = stamp
  return {
    subject: `auth.event.${audience}.${type}`,
    data: { ...data, timestamp: at },
    metadata: {
      service: 'gatehouse',
      version,
      ...(environment !== undefined && { environment }),
      schema: EVENT_SCHEMA,
      id,
      ...cause,
    },
  }
}
