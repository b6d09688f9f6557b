import { Svcm, type ServiceMsg } from '@nats-io/services'
import { callerOf, type Caller } from '../admin/caller.ts'
import type { Command } from '../admin/command.ts'
import type { Refusal } from '../admin/event-refusal.ts'
import { commandSchemas } from '../admin/json-schemas.ts'
import type { Answer } from '../admin/execute.ts'
import type { Actor } from '../admin/transaction.ts'
import { GatehouseError, type ErrorCode, type Fault } from '../errors.ts'
import { QUEUE } from './auth-callout.ts'
import type { ServiceConnection } from './connection.ts'
import { UnderWay } from './under-way.ts'

/** ADR-32 wants numbers; ours are words, which callers should switch on. Whatever is not listed is a fault of ours. */
export const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  invalid_request: 400,
  unenforceable: 422,
  no_caller: 401,
  forbidden: 403,
  policy_missing: 403,
  template_value_missing: 403,
  grant_too_large: 403,
  not_found: 404,
  already_exists: 409,
  revision_conflict: 409,
  in_use: 409,
  limit_reached: 409,
  too_large: 413,
  busy: 429,
  unavailable: 503,
}

/** Of a command's body, in bytes. What is larger is not even parsed. */
export const BODY_MAX = 64 * 1_024
/**
 * Commands under way in one replica, and for one caller. What comes beyond is told so at once: a queue of commands
 * would take memory and time from the logins that are answered beside it.
 */
const COMMANDS_MAX = 256
export const COMMANDS_PER_CALLER_MAX = 64

/** A refusal is for people, whatever somebody sent: it fits the smallest `max_payload` that is sensible. Characters. */
const FAULTS_MAX = 50
const MESSAGE_MAX = 1_024
const PLACE_MAX = 256
const DESCRIPTION_MAX = 256

export interface AdminServiceOptions {
  readonly commands: readonly Command[]
  readonly version: string
  readonly execute: (
    command: Command,
    asked: { readonly caller: Caller; readonly payload: unknown },
  ) => Promise<Answer>
  /** With `ok` or the code of the refusal. */
  readonly onDone: (command: Command, outcome: string) => void
  /** With every refusal, after it was answered. */
  readonly onRefused: (refusal: Refusal) => void
  readonly onError: (error: unknown, command: Command) => void
}

/** Commands as a NATS micro service (ADR-32): `$SRV.PING/INFO/STATS` answer, replicas share one queue group. */
export async function serveAdmin(
  connection: ServiceConnection,
  options: AdminServiceOptions,
): Promise<AsyncDisposable> {
  const service = await new Svcm(connection.nc).add({
    name: 'gatehouse',
    version: options.version,
    description: 'Operators, accounts, users and policies by command',
    queue: QUEUE,
  })
  const underWay = new UnderWay({ perCallerMax: COMMANDS_PER_CALLER_MAX })
  for (const command of options.commands) {
    service.addEndpoint(command.name.replace('.', '-'), {
      subject: `auth.v1.${command.name}`,
      metadata: metadataOf(command),
      handler: (error, request) => {
        if (error !== null) {
          options.onError(error, command)
          return
        }
        const asked: Request = { command, request, underWay, heard: {} }
        if (underWay.size >= COMMANDS_MAX) turnAway(asked, options)
        else underWay.keep(respond(asked, options), (failed) => options.onError(failed, command))
      },
    })
  }
  return {
    async [Symbol.asyncDispose]() {
      await underWay.ended()
      if (connection.isConnected) await service.stop()
    },
  }
}

/** What `nats micro info` shows: metadata is text, so schemas are JSON. */
function metadataOf(command: Command): Record<string, string> {
  const { request, response } = commandSchemas(command)
  return {
    summary: command.summary,
    access: command.access,
    example: JSON.stringify(command.example),
    request_schema: JSON.stringify(request),
    response_schema: JSON.stringify(response),
  }
}

interface Request {
  readonly command: Command
  readonly request: ServiceMsg
  readonly underWay: UnderWay
  /** What was understood of it so far. */
  readonly heard: { actor?: Actor; payload?: unknown }
}

/** The cheapest first: who asks is in a header, and only then is the body looked at. */
async function respond(asked: Request, options: AdminServiceOptions): Promise<void> {
  const { command, request, underWay, heard } = asked
  try {
    const caller = callerOf(requestInfoOf(request))
    heard.actor = caller.actor
    using place = underWay.place(`${caller.actor.account} ${caller.actor.user}`)
    if (place === undefined) {
      turnAway(asked, options)
      return
    }
    const payload = (heard.payload = payloadOf(request))
    const answer = await options.execute(command, { caller, payload })
    request.respond(JSON.stringify(answer))
    options.onDone(command, 'ok')
  } catch (error) {
    refuse(asked, error, options)
  }
}

/** Whoever publishes writes headers too, and nats.js refuses to read what is none. */
function requestInfoOf(request: ServiceMsg): string | undefined {
  try {
    return request.headers?.get('Nats-Request-Info')
  } catch {
    return undefined
  }
}

function payloadOf(request: ServiceMsg): unknown {
  if (request.data.length > BODY_MAX)
    throw new GatehouseError('too_large', `the body must have at most ${BODY_MAX} bytes`)
  const text = request.string()
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    throw new GatehouseError('invalid_request', 'the body must be JSON')
  }
}

const CROWDED = 'too many commands at once: try again'
const CROWDED_BODY = JSON.stringify({ error: { code: 'busy', message: CROWDED, faults: [] } })

function turnAway({ command, request, heard }: Request, options: AdminServiceOptions): void {
  request.respondError(STATUS.busy ?? 0, CROWDED, CROWDED_BODY)
  options.onDone(command, 'busy')
  options.onRefused({ ...heard, command: command.name, code: 'busy', message: CROWDED, faults: [] })
}

function refuse({ command, request, heard }: Request, error: unknown, options: AdminServiceOptions): void {
  const known = error instanceof GatehouseError && STATUS[error.code] !== undefined ? error : undefined
  if (known === undefined) options.onError(error, command)
  const code = known?.code ?? 'internal_error'
  const message = cut(known?.message ?? 'internal error', MESSAGE_MAX)
  options.onDone(command, code)
  const status = known === undefined ? 500 : (STATUS[known.code] ?? 500)
  const description = cut(message, DESCRIPTION_MAX).replaceAll(/\s+/g, ' ')
  const told = faultsOf(known)
  const body = JSON.stringify({ error: { code, message, ...told } })
  try {
    request.respondError(status, description, body)
  } catch (failed) {
    options.onError(failed, command)
    request.respondError(status, code, JSON.stringify({ error: { code, message: code, faults: [] } }))
  }
  options.onRefused({ ...heard, command: command.name, code, message, faults: told.faults })
}

/** The first of them, and how many more there are. */
function faultsOf(error: GatehouseError | undefined): {
  readonly faults: readonly Fault[]
  readonly more?: number
} {
  const all = error?.faults ?? []
  const faults = all
    .slice(0, FAULTS_MAX)
    .map(({ where, rule }) => ({ where: cut(where, PLACE_MAX), rule: cut(rule, PLACE_MAX) }))
  return { faults, ...(all.length > faults.length ? { more: all.length - faults.length } : {}) }
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`
}
