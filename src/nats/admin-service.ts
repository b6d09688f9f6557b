import { Svcm, type ServiceMsg } from '@nats-io/services'
import { callerOf } from '../admin/caller.ts'
import type { Command } from '../admin/command.ts'
import type { Answer, Asked } from '../admin/execute.ts'
import { GatehouseError, type ErrorCode } from '../errors.ts'
import { QUEUE } from './auth-callout.ts'
import type { ServiceConnection } from './connection.ts'

/** ADR-32 wants numbers; ours are words, which callers should switch on. Whatever is not listed is a fault of ours. */
const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  invalid_request: 400,
  no_caller: 401,
  forbidden: 403,
  not_found: 404,
  already_exists: 409,
  revision_conflict: 409,
  in_use: 409,
  unenforceable_limit: 422,
  busy: 429,
  unavailable: 503,
}

export interface AdminServiceOptions {
  readonly commands: readonly Command[]
  readonly version: string
  readonly execute: (command: Command, asked: Asked) => Promise<Answer>
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
  const underWay = new Set<Promise<void>>()
  for (const command of options.commands) {
    service.addEndpoint(command.name.replace('.', '-'), {
      subject: `auth.v1.${command.name}`,
      metadata: { summary: command.summary },
      handler: (error, request) => {
        if (error !== null) {
          options.onError(error, command)
          return
        }
        const responding = respond(command, request, options).finally(() => underWay.delete(responding))
        underWay.add(responding)
      },
    })
  }
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(underWay)
      if (connection.isConnected) await service.stop()
    },
  }
}

async function respond(command: Command, request: ServiceMsg, options: AdminServiceOptions): Promise<void> {
  try {
    const actor = callerOf(request.headers?.get('Nats-Request-Info'))
    const answer = await options.execute(command, { actor, payload: payloadOf(request) })
    request.respond(JSON.stringify(answer))
  } catch (error) {
    const known = error instanceof GatehouseError && STATUS[error.code] !== undefined
    if (!known) options.onError(error, command)
    const code = known ? error.code : 'internal_error'
    const message = known ? error.message : 'internal error'
    const faults = known ? error.faults.map(({ where, rule }) => ({ where, rule })) : []
    const status = known ? (STATUS[error.code] ?? 500) : 500
    request.respondError(
      status,
      message.slice(0, 256).replaceAll(/\s+/g, ' '),
      JSON.stringify({ error: { code, message, faults } }),
    )
  }
}

function payloadOf(request: ServiceMsg): unknown {
  const text = request.string()
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    throw new GatehouseError('invalid_request', 'the body must be JSON')
  }
}
