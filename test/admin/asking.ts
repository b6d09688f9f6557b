import type { NatsConnection } from '@nats-io/transport-node'
import { expect } from 'vitest'
import type { Command } from '../../src/admin/command.ts'
import { commands } from '../../src/admin/commands.ts'
import { executeFor, type Admin, type Answer } from '../../src/admin/execute.ts'
import type { Actor } from '../../src/admin/transaction.ts'
import { ask, type Reply } from './bus.ts'

/** Commands of whoever the connection is, in ORDERS unless the payload names another account. */

export const ORDERS = 'ORDERS'

export function as(nc: NatsConnection, command: string, payload: unknown): Promise<Reply> {
  return ask(nc, { command, payload })
}

/** Must be refused as not theirs. Gives the message. */
export async function refused(nc: NatsConnection, command: string, payload: object): Promise<string> {
  const { status, error } = await as(nc, command, { account: ORDERS, ...payload })
  expect([command, status, error.code]).toEqual([command, 403, 'forbidden'])
  return error.message
}

/** Must be done. */
export async function done(nc: NatsConnection, command: string, payload: object): Promise<Reply['body']> {
  const { status, body } = await as(nc, command, { account: ORDERS, ...payload })
  expect([command, status, body['error']]).toEqual([command, 200, undefined])
  return body
}

export function commandNamed(wanted: string): Command {
  return commands.find(({ name }) => name === wanted)!
}

/** A command of somebody whose connection may have ended before it came to its turn. */
export function late(admin: Admin, actor: Actor, command: string, payload: object = {}): Promise<Answer> {
  return executeFor(admin, commandNamed(command), { caller: { actor }, payload })
}
