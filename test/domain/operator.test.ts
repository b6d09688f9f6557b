import { describe, expect, it } from 'vitest'
import { operator, type CreateOperator, type OperatorEvent } from '../../src/domain/operator.ts'
import { AT, specify } from './given.ts'

const { given, after } = specify(operator)

const create: CreateOperator = {
  type: 'operator.create',
  id: 'OROOT',
  name: 'gatehouse',
  signingKeys: ['OSIGN'],
  signing: 'strict',
  systemAccount: 'ASYS',
  calloutAccount: 'AAUTH',
  adminAccount: 'AADMIN',
  at: AT,
}
const created: OperatorEvent = { ...create, type: 'operator.created' }

describe('an operator', () => {
  it('is created with everything it was asked for', () => {
    expect(given().when(create)).toEqual([created])
  })

  it('is created once', () => {
    expect(given(created).whenRefused({ ...create, name: 'another' })).toBe('already_exists')
  })

  it('is absent before, and what its event says afterwards', () => {
    expect(after()).toEqual({ status: 'absent' })
    const { type: _type, at: _at, signingKeys: _keys, ...facts } = create
    expect(after(created)).toEqual({
      ...facts,
      status: 'present',
      signingKeys: [{ publicKey: 'OSIGN', createdAt: AT }],
      createdAt: AT,
    })
  })
})
