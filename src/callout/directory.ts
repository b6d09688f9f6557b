import type { Account } from '../domain/account.ts'
import type { Operator } from '../domain/operator.ts'
import type { Policy } from '../domain/policy.ts'
import type { Role } from '../domain/role.ts'
import type { User } from '../domain/user.ts'
import { GatehouseError } from '../errors.ts'
import type { Seen } from '../sessions/seen.ts'
import { Denial } from './reason.ts'

/** At once when it is in memory, later when it has to be fetched. */
export type Soon<Value> = Value | Promise<Value>

/**
 * What a decision may know. Operator, accounts and policies are in memory by type, so nobody can put a network
 * call there; users are fetched on first use. A fetch that fails throws `unavailable`.
 */
export interface Directory {
  readonly operator: Operator | undefined
  /** How far it has read the state. */
  readonly seen: Seen
  account(id: string): Account | undefined
  policy(id: string): Policy | undefined
  role(id: string): Role | undefined
  /** A user by its account and its id. */
  user(account: string, id: string): Soon<User | undefined>
  userByToken(hash: string): Soon<User | undefined>
  userByNkey(publicKey: string): Soon<User | undefined>
  /** Everybody of that name, in whatever account. */
  usersNamed(name: string): Soon<readonly User[]>
}

/** What was looked for, or the refusal that says the store could not be asked. */
export async function fetched<Value>(looking: Soon<Value>): Promise<Value | Denial> {
  try {
    return await looking
  } catch (error) {
    if (error instanceof GatehouseError && error.code === 'unavailable')
      return new Denial('store_unavailable')
    throw error
  }
}
