import { setImmediate } from 'node:timers/promises'
import {
  headers,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  type MsgHdrs,
  type NatsConnection,
} from '@nats-io/transport-node'
import { GatehouseError } from '../errors.ts'

/** One message on its way out. */
export interface Outgoing {
  readonly subject: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** What became of messages that were published in a row. */
export interface Published {
  /** How many of the first are out. With acknowledgements: are stored, each of them. */
  readonly done: number
  /** Of those, how many their stream had already. */
  readonly duplicates: number
  /** Why the next one is not. */
  readonly failure?: GatehouseError | undefined
}

interface PublishAck {
  readonly stream?: string
  readonly duplicate?: boolean
  readonly error?: { readonly description?: string }
}

/** Everything that the server does not let this connection do, from now on. */
export function refusalsOf(nc: NatsConnection): readonly PermissionViolationError[] {
  const refusals: PermissionViolationError[] = []
  void (async () => {
    for await (const event of nc.status())
      if (event.type === 'error' && event.error instanceof PermissionViolationError)
        refusals.push(event.error)
  })()
  return refusals
}

/** Publishes for whoever listens: the server has them all when it resolves. */
export async function publishPlain(
  nc: NatsConnection,
  messages: readonly Outgoing[],
  refusals: readonly PermissionViolationError[],
): Promise<Published> {
  for (const { subject, body, headers: head } of messages)
    nc.publish(subject, body, { headers: headersOf(head) })
  await nc.flush()
  await setImmediate() // What the server refused it has said before its PONG; that is told a turn later.
  const refused = refusals.find((refusal) => messages.some(({ subject }) => subject === refusal.subject))
  if (refused === undefined) return { done: messages.length, duplicates: 0 }
  const done = messages.findIndex(({ subject }) => subject === refused.subject)
  return { done, duplicates: 0, failure: notPermitted(refused) }
}

/** The same for a stream, which has to acknowledge each. They are on their way together, in their order. */
export async function publishStored(
  nc: NatsConnection,
  messages: readonly Outgoing[],
  timeoutMs: number,
): Promise<Published> {
  const acks = await Promise.allSettled(
    messages.map(async ({ subject, body, headers: head }) => {
      const reply = await nc.request(subject, body, { headers: headersOf(head), timeout: timeoutMs })
      return acknowledged(subject, reply.string())
    }),
  )
  const failed = acks.findIndex(({ status }) => status === 'rejected')
  const done = failed === -1 ? messages.length : failed
  const stored = acks.slice(0, done).flatMap((ack) => (ack.status === 'fulfilled' ? [ack.value] : []))
  const { reason } = (acks[done] ?? {}) as { readonly reason?: unknown }
  const duplicates = stored.filter(({ duplicate }) => duplicate === true).length
  return {
    done,
    duplicates,
    ...(failed !== -1 && { failure: unstored(reason, messages[done]?.subject ?? '') }),
  }
}

function acknowledged(subject: string, text: string): PublishAck {
  const ack = ackIn(text)
  if (ack?.error !== undefined)
    throw new GatehouseError('unavailable', `the stream refuses ${subject}: ${ack.error.description ?? ''}`)
  if (typeof ack?.stream === 'string') return ack
  throw new GatehouseError('unavailable', `whoever answers ${subject} is no stream`)
}

function ackIn(text: string): PublishAck | undefined {
  try {
    return JSON.parse(text) as PublishAck
  } catch {
    return undefined
  }
}

function unstored(error: unknown, subject: string): GatehouseError {
  if (error instanceof GatehouseError) return error
  const reason = error instanceof RequestError ? error.cause : error
  if (reason instanceof PermissionViolationError) return notPermitted(reason)
  const isUnheard =
    reason instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders())
  const words = isUnheard
    ? `no stream takes ${subject}`
    : reason instanceof TimeoutError
      ? `no stream has acknowledged ${subject} in time`
      : `the connection failed: ${reason instanceof Error ? reason.message : String(reason)}`
  return new GatehouseError('unavailable', words, { cause: error })
}

function notPermitted(error: PermissionViolationError): GatehouseError {
  const what = error.operation === 'subscription' ? 'hear replies in' : 'publish'
  const words = `the policies of this user do not let it ${what} ${error.subject}`
  return new GatehouseError('forbidden', words, { cause: error })
}

function headersOf(values: Readonly<Record<string, string>>): MsgHdrs {
  const head = headers()
  for (const [name, value] of Object.entries(values)) head.set(name, value)
  return head
}
