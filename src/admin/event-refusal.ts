import type { Fault } from '../errors.ts'
import { OPERATOR_EVENTS } from './aggregates.ts'
import { auditEvent, type Stamp } from './event.ts'
import { asked } from './envelope.ts'
import { isAccountId } from './lookup.ts'
import type { Actor, AuditEvent } from './transaction.ts'

/** A command that was refused: who asked for what, and what it was told. */
export interface Refusal {
  /** `<aggregate>.<verb>` */
  readonly command: string
  /** Absent where the bus does not say who asks. */
  readonly actor?: Actor | undefined
  /** The body as far as it could be read. Only the ids in it are told. */
  readonly payload?: unknown
  readonly code: string
  readonly message: string
  readonly faults: readonly Fault[]
}

/**
 * The event of a refusal, told where its caller lives. What is not a whole account key is no caller of ours: nothing
 * of it gets into a subject.
 */
export function refusalEvent(refusal: Refusal, count: number, stamp: Stamp): AuditEvent {
  const { command, actor, payload, code, message, faults } = refusal
  const commandId = idIn(payload, 'commandId')
  return auditEvent(
    {
      audience: actor !== undefined && isAccountId(actor.account) ? actor.account : OPERATOR_EVENTS,
      type: 'command.refused',
      data: { command, code, message, faults, ...(count > 1 && { count }) },
      cause: {
        ...(commandId !== undefined && { commandId }),
        correlationId: idIn(payload, 'correlationId') ?? commandId ?? stamp.id,
        ...(actor !== undefined && { actor }),
      },
    },
    stamp,
  )
}

/** By the rules of the envelope, for what breaks them was refused and may be anything. */
function idIn(payload: unknown, field: 'commandId' | 'correlationId'): string | undefined {
  if (typeof payload !== 'object' || payload === null || !(field in payload)) return undefined
  const parsed = asked[field].safeParse((payload as Readonly<Record<string, unknown>>)[field])
  return parsed.success ? parsed.data : undefined
}
