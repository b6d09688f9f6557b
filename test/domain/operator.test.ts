import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import {
  operator,
  signingKeyOf,
  signingKeysInUse,
  SIGNING_KEYS_MAX,
  type CreateOperator,
  type Operator,
  type OperatorCommand,
  type OperatorEvent,
} from '../../src/domain/operator.ts'
import { replay } from '../../src/domain/decider.ts'
import { GatehouseError } from '../../src/errors.ts'
import { AT, LATER, specify } from './given.ts'

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

const rotated: OperatorEvent = {
  type: 'operator.signing_key_rotated',
  old: ['OSIGN'],
  new: { publicKey: 'ONEW' },
  at: LATER,
}
const revoke = (key: string, ...trusted: string[]): OperatorCommand => ({
  type: 'operator.revoke-signing-key',
  key,
  reason: 'leaked',
  trusted: new Set(trusted),
  at: LATER,
})
const revoked: OperatorEvent = {
  type: 'operator.signing_key_revoked',
  key: 'OSIGN',
  reason: 'leaked',
  at: LATER,
}

describe('a signing key', () => {
  it('is added without a change to the others', () => {
    const key = { publicKey: 'ONEW', expiresAt: LATER }
    const event: OperatorEvent = { type: 'operator.signing_key_created', key, at: AT }
    const create = { type: 'operator.create-signing-key', key, at: AT } as const
    expect(given(created).when(create)).toEqual([event])
    expect(given(created).whenRefused({ ...create, at: LATER })).toBe('invalid_request') // Over before it began.
    expect(after(created, event)).toMatchObject({
      signingKeys: [
        { publicKey: 'OSIGN', createdAt: AT },
        { ...key, createdAt: AT },
      ],
    })
  })

  it('that is rotated retires every other, or the one that is named', () => {
    const key = { publicKey: 'O3' }
    const rotate = { type: 'operator.rotate-signing-key', key, at: LATER } as const
    expect(given(created).when({ ...rotate, key: { publicKey: 'ONEW' } })).toEqual([rotated])
    const added: OperatorEvent = { type: 'operator.signing_key_created', key: { publicKey: 'O2' }, at: LATER }
    expect(given(created, added).when(rotate)).toMatchObject([{ old: ['OSIGN', 'O2'] }])
    expect(given(created, added).when({ ...rotate, retire: 'O2' })).toMatchObject([{ old: ['O2'] }])
    // What retires already keeps the time at which it began to.
    expect(given(created, rotated).when(rotate)).toMatchObject([{ old: ['ONEW'] }])
    expect(after(created, rotated)).toMatchObject({
      signingKeys: [{ publicKey: 'OSIGN', retiringSince: LATER }, { publicKey: 'ONEW' }],
    })
  })

  it('that is unknown or gone cannot be replaced', () => {
    const rotate = { type: 'operator.rotate-signing-key', key: { publicKey: 'O3' }, at: LATER } as const
    expect(given(created).whenRefused({ ...rotate, retire: 'O9' })).toBe('not_found')
    expect(given(created, rotated, revoked).whenRefused({ ...rotate, retire: 'OSIGN' })).toBe('not_found')
  })

  it('is revoked once, with the reason given', () => {
    expect(given(created, rotated).when(revoke('OSIGN', 'OSIGN', 'ONEW'))).toEqual([revoked])
    expect(given(created, rotated, revoked).when(revoke('OSIGN'))).toEqual([])
    expect(after(created, rotated, revoked)).toMatchObject({
      signingKeys: [{ publicKey: 'OSIGN', revoked: { reason: 'leaked', at: LATER } }, { publicKey: 'ONEW' }],
    })
  })

  it.each([
    ['the only one there is', [created], revoke('OSIGN', 'OSIGN')],
    ['the only one that every server trusts', [created, rotated], revoke('OSIGN', 'OSIGN')],
    ['any, while there is none that every server trusts', [created, rotated], revoke('OSIGN')],
    [
      'the last one, whatever servers still trust',
      [created, rotated, revoked],
      revoke('ONEW', 'OSIGN', 'ONEW'),
    ],
  ])('is not revoked when it is %s', (_, events, command) => {
    expect(given(...events).whenRefused(command)).toBe('in_use')
  })

  it('that was made by mistake is revoked before any server trusts it', () => {
    expect(given(created, rotated).when(revoke('ONEW', 'OSIGN'))).toHaveLength(1)
    expect(given(created).whenRefused(revoke('O9', 'OSIGN'))).toBe('not_found')
  })

  it('is not made where root keys sign', () => {
    const root: OperatorEvent = { ...created, signing: 'root', signingKeys: [] }
    const key = { publicKey: 'ONEW' }
    expect(given(root).whenRefused({ type: 'operator.create-signing-key', key, at: LATER })).toBe('forbidden')
    expect(given(root).whenRefused({ type: 'operator.rotate-signing-key', key, at: LATER })).toBe('forbidden')
  })

  it('is one of not too many', () => {
    const keys = Array.from({ length: SIGNING_KEYS_MAX }, (_, n) => `O${n}`)
    const full: OperatorEvent = { ...created, signingKeys: keys }
    const key = { publicKey: 'ONEW' }
    const add = { type: 'operator.create-signing-key', key, at: LATER } as const
    expect(given(full).whenRefused(add)).toBe('limit_reached')
    expect(given(full, { ...revoked, key: 'O3' }).when(add)).toHaveLength(1)
  })
})

describe('accounts are signed by', () => {
  const at = Date.parse(LATER)
  const whose = (...events: OperatorEvent[]): Operator => after(...events) as Operator
  const moment = (...trusted: string[]) => ({ trusted: new Set(trusted), nowMs: at })

  it.each([
    ['the newest that every server trusts', [created, rotated], ['OSIGN', 'ONEW'], 'ONEW'],
    ['the older while a server does not trust the new one', [created, rotated], ['OSIGN'], 'OSIGN'],
    ['never one that was revoked', [created, rotated, revoked], ['OSIGN', 'ONEW'], 'ONEW'],
    ['the oldest while no key is trusted by all', [created, rotated], [], 'OSIGN'],
    ['the root where there are no signing keys', [{ ...created, signingKeys: [] }], [], 'OROOT'],
  ] as [string, OperatorEvent[], string[], string][])('%s', (_, events, trusted, key) => {
    expect(signingKeyOf(whose(...events), moment(...trusted))).toBe(key)
  })

  it('the oldest while nobody knows what servers trust', () => {
    expect(signingKeyOf(whose(created, rotated), { trusted: undefined, nowMs: at })).toBe('OSIGN')
  })

  it('one that is to be replaced only where there is no other', () => {
    const key = { publicKey: 'ONEW', expiresAt: LATER }
    const brief: OperatorEvent = { type: 'operator.signing_key_created', key, at: AT }
    const all = new Set(['OSIGN', 'ONEW'])
    expect(signingKeyOf(whose(created, brief), { trusted: all, nowMs: at - 1 })).toBe('ONEW')
    expect(signingKeyOf(whose(created, brief), { trusted: all, nowMs: at })).toBe('OSIGN')
    expect(signingKeyOf(whose(created, brief, revoked), { trusted: all, nowMs: at })).toBe('ONEW')
  })

  it('a key in use and trusted, whatever was made, retired, revoked and restarted before', () => {
    const step = fc.oneof(
      fc.constant('create' as const),
      fc.constant('rotate' as const),
      fc.constant('restart' as const),
      fc.nat(5).map((key) => ({ revoke: key })),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let state = replay(operator, [created]) as Operator
        let trusted = new Set(['OSIGN'])
        const does = (command: OperatorCommand): void => {
          try {
            for (const event of operator.decide(state, command))
              state = operator.evolve(state, event) as Operator
          } catch (error) {
            if (!(error instanceof GatehouseError)) throw error
          }
        }
        for (const [n, what] of steps.entries()) {
          const key = { publicKey: `O${n}` }
          if (what === 'create') does({ type: 'operator.create-signing-key', key, at: LATER })
          else if (what === 'rotate') does({ type: 'operator.rotate-signing-key', key, at: LATER })
          else if (what === 'restart')
            trusted = new Set(signingKeysInUse(state).map((each) => each.publicKey))
          else does(revoke(state.signingKeys[what.revoke]?.publicKey ?? 'O?', ...trusted))
          const signing = signingKeyOf(state, { trusted, nowMs: at })
          expect(signingKeysInUse(state).map((each) => each.publicKey)).toContain(signing)
          expect(trusted).toContain(signing)
          // Not knowing what servers trust is no reason to sign with what they do not.
          expect(trusted).toContain(signingKeyOf(state, { trusted: undefined, nowMs: at }))
        }
      }),
    )
  })
})

describe('what an operator tells', () => {
  it.each([
    [
      { type: 'operator.set-service-urls', urls: ['nats://a'], at: LATER },
      { type: 'operator.service_urls_set', old: [], new: ['nats://a'], at: LATER },
    ],
    [
      { type: 'operator.set-account-server-url', url: 'nats://a', at: LATER },
      { type: 'operator.account_server_url_set', old: undefined, new: 'nats://a', at: LATER },
    ],
    [
      { type: 'operator.set-description', description: 'ours', at: LATER },
      { type: 'operator.description_set', old: undefined, new: 'ours', at: LATER },
    ],
  ] as [OperatorCommand, OperatorEvent][])('is set with old and new: %j', (command, event) => {
    expect(given(created).when(command)).toEqual([event])
    expect(given(created, event).when(command)).toEqual([])
    expect(given().whenRefused(command)).toBe('not_found')
  })
})
