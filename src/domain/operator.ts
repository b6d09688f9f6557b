import { GatehouseError } from '../errors.ts'
import { ABSENT, type Absent, type Decider } from './decider.ts'

/** A key that may sign in place of the root. Only its public half is state; the seed is sealed in the vault. */
export interface SigningKey {
  readonly publicKey: string
  readonly createdAt: string
}

/** The root of trust. Its signing keys sign accounts; its root key can stay offline. */
export interface Operator {
  readonly status: 'present'
  /** The O… public key of the root. */
  readonly id: string
  readonly name: string
  readonly signingKeys: readonly SigningKey[]
  /** Do servers refuse what root keys signed? `strict_signing_key_usage`, reference B.4. */
  readonly signing: 'strict' | 'root'
  readonly systemAccount: string
  readonly calloutAccount: string
  readonly adminAccount: string
  readonly createdAt: string
}

export type OperatorState = Absent | Operator

export interface CreateOperator extends Omit<Operator, 'status' | 'signingKeys' | 'createdAt'> {
  readonly type: 'operator.create'
  readonly signingKeys: readonly string[]
  readonly at: string
}

export type OperatorCommand = CreateOperator

export interface OperatorCreated extends Omit<CreateOperator, 'type'> {
  readonly type: 'operator.created'
}

export type OperatorEvent = OperatorCreated

function decide(state: OperatorState, command: OperatorCommand): readonly OperatorEvent[] {
  if (state.status !== 'absent') {
    throw new GatehouseError('already_exists', `operator "${state.name}" already exists`)
  }
  return [{ ...command, type: 'operator.created' }]
}

function evolve(_: OperatorState, event: OperatorEvent): OperatorState {
  const { type: _type, at, signingKeys, ...facts } = event
  return {
    ...facts,
    status: 'present',
    signingKeys: signingKeys.map((publicKey) => ({ publicKey, createdAt: at })),
    createdAt: at,
  }
}

export const operator: Decider<OperatorState, OperatorCommand, OperatorEvent> = {
  initial: ABSENT,
  decide,
  evolve,
}
