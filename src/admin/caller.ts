import { z } from 'zod'
import { accountKey, OPERATOR_KEY } from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import { accounts, operators } from './aggregates.ts'
import type { Command } from './command.ts'
import type { Actor, View } from './transaction.ts'

const RequestInfo = z.object({ acc: z.string().min(1), user: z.string().min(1) })

/**
 * The caller as the bus names it: header `Nats-Request-Info`, which the server writes and nobody can forge
 * (reference I.1). Without it, or without a user in it, there is no caller. Throws `no_caller`.
 */
export function callerOf(requestInfo: string | undefined): Actor {
  const parsed = RequestInfo.safeParse(json(requestInfo))
  if (!parsed.success) {
    throw new GatehouseError('no_caller', 'the bus does not say who asks: import auth.v1.> with share: true')
  }
  return { account: parsed.data.acc, user: parsed.data.user }
}

/** Admins live in the admin account; from anywhere else only what is for everyone is answered. Throws `forbidden`. */
export async function permit(view: View, caller: Actor, { access, name }: Command): Promise<void> {
  if (access === 'everyone') return
  const operator = await view.load(operators, OPERATOR_KEY)
  if (operator.status === 'present' && caller.account === operator.adminAccount) return
  const account = await view.load(accounts, accountKey(caller.account))
  const from = account.status === 'present' ? account.name : caller.account
  throw new GatehouseError('forbidden', `${name} is for admins, not for users of account "${from}"`)
}

function json(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}
