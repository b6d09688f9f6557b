import type { AccountRole } from '../domain/account.ts'
import { accountKey, OPERATOR_KEY, sealedKey } from '../domain/state-keys.ts'
import { GatehouseError, RevisionConflict } from '../errors.ts'
import { accounts, operators } from './aggregates.ts'
import type { StateStore } from './state-store.ts'
import { Transaction, type CommandContext } from './transaction.ts'

/** What the accounts that every system has are called. */
export const FOUNDED_NAMES = { system: 'SYS', callout: 'AUTH', admin: 'ADMIN' } as const

/** One of the accounts that every system has, as its keys were made. */
export interface FoundingAccount {
  readonly id: string
  readonly name: string
  readonly role: AccountRole
  readonly signingKeys: readonly string[]
}

/** Everything the first commit of a system says. */
export interface Founding {
  readonly operator: {
    readonly id: string
    readonly name: string
    readonly signing: 'strict' | 'root'
    readonly signingKeys: readonly string[]
  }
  readonly system: FoundingAccount
  readonly callout: FoundingAccount
  readonly admin: FoundingAccount
  /** Seeds that a replica needs, sealed, by public key. */
  readonly sealed: ReadonlyMap<string, unknown>
}

/** The callout account needs JetStream for the state; the limits of the others are nobody's business but theirs. */
const FOUNDING_LIMITS = { system: {}, callout: { jetstream: {} }, admin: { jetstream: {} } } as const

/**
 * Writes operator, SYS, AUTH and ADMIN and the sealed keys, once, in one commit. Does nothing when they are there.
 * Replicas may do it at the same time. Throws `already_exists` when the bucket belongs to another operator.
 */
export async function found(store: StateStore, founding: Founding, context: CommandContext): Promise<void> {
  try {
    await write(store, founding, context)
  } catch (error) {
    if (!(error instanceof RevisionConflict)) throw error
    // Every founder writes the same keys in one commit, so another was first: this time it is found.
    await write(store, founding, context)
  }
}

async function write(store: StateStore, founding: Founding, context: CommandContext): Promise<void> {
  const tx = new Transaction(store, context)
  const { operator, system, callout, admin } = founding
  const stored = await tx.load(operators, OPERATOR_KEY)
  if (stored.status === 'present') {
    if (stored.id === operator.id) return
    throw new GatehouseError(
      'already_exists',
      `the bucket belongs to operator "${stored.name}" (${stored.id})`,
    )
  }
  const { at } = context
  for (const [publicKey, sealed] of founding.sealed) tx.set(sealedKey(publicKey), sealed)
  for (const account of [system, callout, admin]) {
    const limits = FOUNDING_LIMITS[account.role as keyof typeof FOUNDING_LIMITS]
    await tx.execute(accounts, accountKey(account.id), {
      ...account,
      type: 'account.create',
      limits,
      metadata: {},
      at,
    })
  }
  await tx.execute(operators, OPERATOR_KEY, {
    ...operator,
    type: 'operator.create',
    systemAccount: system.id,
    calloutAccount: callout.id,
    adminAccount: admin.id,
    at,
  })
  await tx.commit()
}
