import { DeliverPolicy, jetstream } from '@nats-io/jetstream'
import type { ConnectionOptions, MsgHdrs, NatsConnection } from '@nats-io/transport-node'
import Ajv from 'ajv'
import { expect } from 'vitest'
import { z } from 'zod'
import { commands } from '../../src/admin/commands.ts'
import { responseOf } from '../../src/admin/envelope.ts'
import type { AuditEvent } from '../../src/admin/transaction.ts'
import { encode } from '../../src/jwt/token.ts'
import { buildUser } from '../../src/jwt/user.ts'
import type { World } from '../support/world.ts'

/** What a command was answered. */
export interface Reply {
  /** 200, or what `Nats-Service-Error-Code` says. */
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly error: {
    readonly code: string
    readonly message: string
    readonly faults: readonly { readonly where: string; readonly rule: string }[]
  }
}

export interface Envelope {
  readonly command: string
  readonly payload?: unknown
  readonly headers?: MsgHdrs
}

/** Sends a command over the bus, as its admins do. Text goes as it is, everything else as JSON. */
export async function ask(nc: NatsConnection, { command, payload = {}, headers }: Envelope): Promise<Reply> {
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const reply = await nc.request(`auth.v1.${command}`, body, {
    timeout: 20_000,
    ...(headers === undefined ? {} : { headers }),
  })
  const status = Number(reply.headers?.get('Nats-Service-Error-Code') || 200)
  const content = reply.json<Reply & Record<string, unknown>>()
  if (status === 200) expectPromised(command, content)
  return { status, body: content, error: content.error }
}

const ajv = new Ajv({ allErrors: true })
const promises = new Map(
  commands.map((command) => [
    command.name,
    ajv.compile(z.toJSONSchema(responseOf(command), { io: 'output', target: 'draft-7' })),
  ]),
)

/** Every reply says what its command's response schema says, and nothing else. */
function expectPromised(command: string, reply: unknown): void {
  const promise = promises.get(command)
  const isKept = promise?.(reply)
  expect([command, isKept === true ? undefined : ajv.errorsText(promise?.errors)]).toEqual([
    command,
    undefined,
  ])
}

/** A connection in AUTH that may do everything. Only tests have one: nobody but the service user gets in. */
export function insideAuth(world: World, options: ConnectionOptions = {}): Promise<NatsConnection> {
  const { chain, calloutSigner, serviceUser } = world.trust
  const issuerAccount = calloutSigner.publicKey === chain.callout ? {} : { issuerAccount: chain.callout }
  const identity = {
    publicKey: chain.serviceUser,
    name: 'test',
    issuedAt: Math.floor(Date.now() / 1_000),
    ...issuerAccount,
  }
  const jwt = encode(buildUser(identity, {}), calloutSigner)
  return world.connect({
    ...options,
    inboxPrefix: '_INBOX_gatehouse', // The service may answer no other inbox of AUTH.
    authenticator: (nonce = '') => ({
      jwt,
      sig: Buffer.from(serviceUser.signer.sign(Buffer.from(nonce))).toString('base64url'),
    }),
  })
}

/** An event as it lies in the audit stream. */
export interface Heard {
  readonly subject: string
  readonly event: AuditEvent
}

/** Everything in the audit stream, and what comes to it from now on. */
export async function auditOf(world: World): Promise<readonly Heard[]> {
  const heard: Heard[] = []
  const nc = await insideAuth(world)
  const consumer = await jetstream(nc).consumers.get('auth-events', { deliver_policy: DeliverPolicy.All })
  await consumer.consume({
    callback: (message) => void heard.push({ subject: message.subject, event: message.json<AuditEvent>() }),
  })
  return heard
}
