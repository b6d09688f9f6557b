import {
  AuthorizationError,
  ConnectionError,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  UserAuthenticationExpiredError,
  connect,
  credsAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
  type Authenticator,
  type NatsConnection,
} from '@nats-io/transport-node'
import { GatehouseError, type ErrorCode, type Fault } from '../errors.ts'
import { publishPlain, publishStored, refusalsOf, type Outgoing, type Published } from './client-publish.ts'

/** What somebody proves itself with. A secret: this value is never printed. */
export type Proof =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'creds'; readonly text: string }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }

export interface ClientOptions {
  /** One URL, or several with commas between them. */
  readonly servers: string
  readonly proof: Proof
  /** Where servers and proof come from, for errors: `context "prod"`. */
  readonly origin: string
  /** Where replies come in, as the user's policies have it: `_INBOX_…`. Absent: in the inbox that everybody shares. */
  readonly inboxPrefix?: string | undefined
  /** Of connecting, and of every reply. Milliseconds. */
  readonly timeoutMs?: number
  /** Comes back after every interruption; otherwise the first one ends it. */
  readonly isLasting?: boolean
}

export type Reply = Readonly<Record<string, unknown>>

/** Why nobody answered, for whoever says what to do about it. */
type Trouble = 'not let in' | 'not permitted' | 'not heard' | 'no server' | 'no service' | 'late'

/** What went wrong on the way, before any service could say anything. */
export class ClientFailure extends GatehouseError {
  readonly trouble: Trouble
  readonly proof: Proof['kind']

  constructor(
    { trouble, proof }: { readonly trouble: Trouble; readonly proof: Proof['kind'] },
    message: string,
    options?: ErrorOptions,
  ) {
    super(trouble.startsWith('not ') ? 'forbidden' : 'unavailable', message, options)
    this.trouble = trouble
    this.proof = proof
  }
}

/** Somebody who sends commands, as any NATS client may. Leaving its scope closes the connection. */
export interface Client extends AsyncDisposable {
  /**
   * Sends `auth.v1.<name>`. Throws what the service answered, with its code; `unavailable` when nobody answers, and
   * `forbidden` when the policy of this user does not let it ask.
   */
  request(name: string, body: Reply): Promise<Reply>
  /** Calls for every message until the signal says so. Throws `forbidden` when it may not be subscribed to. */
  listen(subject: string, onMessage: () => void, signal: AbortSignal): Promise<void>
  /** Publishes in this order. `sent`: the server has them. `stored`: a stream has acknowledged each. */
  publish(messages: readonly Outgoing[], until: 'sent' | 'stored'): Promise<Published>
}

const TIMEOUT_MS = 10_000

/** Connects. Throws `unavailable` when there is no server, `forbidden` when it lets nobody in with that. */
export async function openClient(options: ClientOptions): Promise<Client> {
  const { servers, proof, origin, inboxPrefix, timeoutMs = TIMEOUT_MS, isLasting = false } = options
  const nc = await connect({
    servers: servers.split(',').map((server) => server.trim()),
    name: 'gatehouse command line',
    authenticator: authenticatorOf(options),
    ...(inboxPrefix !== undefined && { inboxPrefix }),
    timeout: timeoutMs,
    reconnect: isLasting,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: isLasting,
  }).catch((error: unknown) => {
    throw notConnected(error, options)
  })
  const refusals = refusalsOf(nc)
  return {
    request: (name, body) => ask(nc, { name, body, proof: proof.kind, origin, timeoutMs }),
    publish: (messages, until) =>
      until === 'sent' ? publishPlain(nc, messages, refusals) : publishStored(nc, messages, timeoutMs),
    listen: (subject, onMessage, signal) => listen(nc, { subject, onMessage, signal }),
    [Symbol.asyncDispose]: () => nc.close(),
  }
}

function authenticatorOf({ proof, origin }: ClientOptions): Authenticator[] {
  switch (proof.kind) {
    case 'none':
      return []
    case 'token':
      return [tokenAuthenticator(proof.token)]
    case 'password':
      return [usernamePasswordAuthenticator(proof.user, proof.password)]
    case 'creds': {
      const authenticator = credsAuthenticator(Buffer.from(proof.text))
      try {
        authenticator('') // It reads the file when it is first asked, and its own words would be a stack.
      } catch {
        throw new GatehouseError('invalid_configuration', `${origin}: the creds file is not one`)
      }
      return [authenticator]
    }
  }
}

function notConnected(error: unknown, { servers, proof: { kind }, origin }: ClientOptions): GatehouseError {
  const at = `${withoutPasswords(servers)} (${origin})`
  const options = { cause: error }
  const failed = (trouble: Trouble, message: string): ClientFailure =>
    new ClientFailure({ trouble, proof: kind }, message, options)
  if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError) {
    const what = kind === 'none' ? 'without a token' : `with this ${kind}`
    return failed('not let in', `${at} lets nobody in ${what}`)
  }
  if (error instanceof TimeoutError) return failed('no server', `${at} did not answer in time`)
  if (error instanceof ConnectionError || isOfTheSystem(error))
    return failed('no server', `no NATS server answers at ${at}: ${wordsOf(error)}`)
  return new GatehouseError('invalid_configuration', `${at} cannot be used: ${wordsOf(error)}`, options)
}

function isOfTheSystem(error: unknown): boolean {
  return error instanceof Error && 'code' in error
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A URL may hold a token or a password, and errors go to logs. */
function withoutPasswords(servers: string): string {
  return servers.replaceAll(/[^/,\s]+@/g, '')
}

interface Asking {
  readonly name: string
  readonly body: Reply
  readonly proof: Proof['kind']
  readonly origin: string
  readonly timeoutMs: number
}

async function ask(nc: NatsConnection, asking: Asking): Promise<Reply> {
  const { name, body, timeoutMs: timeout } = asking
  try {
    const message = await nc.request(`auth.v1.${name}`, JSON.stringify(body), { timeout })
    const reply = message.json<Reply>()
    if (message.headers?.has('Nats-Service-Error') === true) throw refusal(reply)
    return reply
  } catch (error) {
    throw error instanceof GatehouseError ? error : unanswered(error, asking)
  }
}

/** The error that a body tells. A newer Gatehouse may have codes that are not in our list: they pass as they are. */
function refusal(reply: Reply): GatehouseError {
  const { code, message, faults } = (reply['error'] ?? {}) as Readonly<Record<string, unknown>>
  const list = Array.isArray(faults) ? (faults as readonly Fault[]) : []
  const words = typeof message === 'string' ? message : 'the command failed'
  return new GatehouseError((code ?? 'internal_error') as ErrorCode, words, { faults: list })
}

function unanswered(error: unknown, { name, proof, origin, timeoutMs }: Asking): GatehouseError {
  const reason = error instanceof RequestError ? error.cause : error
  const failed = (trouble: Trouble, message: string): ClientFailure =>
    new ClientFailure({ trouble, proof }, message, { cause: error })
  if (reason instanceof PermissionViolationError && reason.operation === 'subscription') {
    const inbox = reason.subject.replace(/[.][^.]+[.][*]$/, '.>')
    return failed('not heard', `the policies of this user (${origin}) do not let it hear replies in ${inbox}`)
  }
  if (reason instanceof PermissionViolationError) {
    const message = `the policies of this user (${origin}) do not let it publish ${reason.subject}`
    return failed('not permitted', message)
  }
  if (reason instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders())) {
    const message = `no Gatehouse answers auth.v1.${name} (${origin}): is it running, and as new as this program?`
    return failed('no service', message)
  }
  if (reason instanceof TimeoutError) {
    const message = `auth.v1.${name} was not answered within ${timeoutMs / 1_000} s (${origin}): what it asked for may have been done`
    return failed('late', message)
  }
  return failed('no server', `the connection failed (${origin}): ${wordsOf(reason)}`)
}

interface Listening {
  readonly subject: string
  readonly onMessage: () => void
  readonly signal: AbortSignal
}

async function listen(nc: NatsConnection, { subject, onMessage, signal }: Listening): Promise<void> {
  const subscription = nc.subscribe(subject)
  const end = (): void => subscription.unsubscribe()
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  try {
    for await (const _message of subscription) onMessage()
  } catch (error) {
    if (!(error instanceof PermissionViolationError)) throw error
    const message = `the policies of this user do not let it subscribe to ${subject}`
    throw new GatehouseError('forbidden', message, { cause: error })
  } finally {
    signal.removeEventListener('abort', end)
  }
}
