import { tokenAuthenticator, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node'
import type { AuditEvent } from '../../src/admin/transaction.ts'
import { command, createUser } from './clients.ts'
import type { World } from './world.ts'

/** An event as a client hears it. */
export interface Told {
  readonly subject: string
  /** Names of its headers. */
  readonly headers: readonly string[]
  readonly messageId: string | undefined
  readonly event: AuditEvent
}

/** The policy of those who hear events, and may capture them in a stream of their own. */
export const LISTENER = 'event-listener'

export async function createListenerPolicy(admin: NatsConnection): Promise<void> {
  await command(admin, 'policy.create', {
    name: LISTENER,
    publish: { allow: ['$JS.API.>', '$JS.ACK.>', 'dead-letter.>', 'replay.>', 'mine.>'] },
    subscribe: { allow: ['auth.>', 'stolen.>', 'dead-letter.>', '_INBOX.>'] },
  })
}

/** Somebody of that account who may hear its events: a connection, and the token for another. */
export async function openListener(
  world: World,
  admin: NatsConnection,
  options: { readonly account: string; readonly name: string; readonly connection?: ConnectionOptions },
): Promise<{ readonly nc: NatsConnection; readonly token: string }> {
  const { account, name, connection = {} } = options
  const token = await createUser(admin, account, { name, policies: [LISTENER] })
  const nc = await world.connect({ authenticator: tokenAuthenticator(token), ...connection })
  return { nc, token }
}

/** What comes on a subject from now on; the server knows of the subscription. */
export async function listen(nc: NatsConnection, subject = 'auth.event.>'): Promise<readonly Told[]> {
  const told: Told[] = []
  nc.subscribe(subject, {
    callback: (error, message) => {
      if (error !== null) return
      told.push({
        subject: message.subject,
        headers: message.headers?.keys() ?? [],
        messageId: message.headers?.get('Nats-Msg-Id'),
        event: message.json<AuditEvent>(),
      })
    },
  })
  await nc.flush()
  return told
}
