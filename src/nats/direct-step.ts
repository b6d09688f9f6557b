import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import { GatehouseError } from '../errors.ts'
import { INBOX_PREFIX } from './connection.ts'

/**
 * Of one step, as the server counts; the message that goes beyond still comes. What a server has for a connection that
 * does not take it fast enough is bounded (64 MB), and then it closes it: ours, through which everybody logs in.
 */
export const STEP_BYTES = 256 * 1_024
/** From the question to the last answer. */
const STEP_MS_MAX = 5_000

const [END_OF_BATCH, NOTHING_FOUND] = [204, 404]

/** What to look for, and from where on (ADR-31). */
export interface StepAsked {
  readonly seq?: number
  /** RFC 3339. Instead of `seq`. */
  readonly start_time?: string
  readonly next_by_subj: string
  /** Messages at most. */
  readonly batch: number
}

/** A message as it lies in its stream. */
export interface Found extends Pick<Msg, 'data' | 'json'> {
  readonly subject: string
  readonly seq: number
  readonly time: Date
  readonly header: MsgHdrs
}

export interface Step {
  readonly messages: readonly Found[]
  readonly isMore: boolean
}

/**
 * One batch of direct gets, bounded in bytes. By hand: the one of nats.js 3.4 never leaves its inbox, and waits for
 * ever for the rest when a connection was lost in between. Throws `unavailable`; `what` cannot be read then.
 */
export async function readStep(
  nc: NatsConnection,
  { stream, what }: { readonly stream: string; readonly what: string },
  asked: StepAsked,
): Promise<Step> {
  try {
    return await step(nc, stream, asked)
  } catch (cause) {
    throw new GatehouseError('unavailable', `the ${what} cannot be read: JetStream does not answer`, {
      cause,
    })
  }
}

async function step(nc: NatsConnection, stream: string, asked: StepAsked): Promise<Step> {
  const inbox = createInbox(INBOX_PREFIX)
  const replies = nc.subscribe(inbox)
  const patience = setTimeout(() => replies.unsubscribe(), STEP_MS_MAX)
  try {
    const question = JSON.stringify({ ...asked, max_bytes: STEP_BYTES })
    nc.publish(`$JS.API.DIRECT.GET.${stream}`, question, { reply: inbox })
    const messages: Found[] = []
    for await (const reply of replies) {
      const code = reply.headers?.code ?? 0
      if (code === NOTHING_FOUND) return { messages, isMore: false }
      if (code === END_OF_BATCH) return { messages, isMore: isPending(reply) }
      if (code !== 0) throw new GatehouseError('unavailable', `the server answered ${code}`)
      if (reply.headers !== undefined) messages.push(foundIn(reply, reply.headers))
    }
    throw new GatehouseError('unavailable', `there was no end of it within ${STEP_MS_MAX} ms`)
  } finally {
    clearTimeout(patience)
    if (!nc.isClosed()) replies.unsubscribe()
  }
}

function isPending(end: Msg): boolean {
  return end.headers?.get('Nats-Num-Pending') !== '0'
}

function foundIn(reply: Msg, header: MsgHdrs): Found {
  return {
    subject: header.last('Nats-Subject'),
    seq: Number(header.last('Nats-Sequence')),
    time: new Date(header.last('Nats-Time-Stamp')),
    header,
    data: reply.data,
    json: (reviver) => reply.json(reviver),
  }
}
