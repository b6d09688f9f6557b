import { describe, expect, it } from 'vitest'
import {
  account,
  accountStatus,
  type AccountCommand,
  type AccountEvent,
  type CreateAccount,
} from '../../src/domain/account.ts'
import { AT, LATER, specify } from './given.ts'

const { given, after } = specify(account)

const create: CreateAccount = {
  type: 'account.create',
  id: 'AORDERS',
  name: 'ORDERS',
  role: 'tenant',
  signingKeys: ['ASIGN1', 'ASIGN2'],
  limits: { connections: 10 },
  metadata: { team: 'shop' },
  at: AT,
}
const created: AccountEvent = { ...create, type: 'account.created' }

const news = { subject: 'news.>', type: 'stream', access: 'private' } as const
const heard = { account: 'AOTHER', subject: 'news.>', type: 'stream' } as const

const changes = {
  limits: {
    command: { type: 'account.update-limits', limits: { connections: 20 }, at: LATER },
    event: {
      type: 'account.limits_updated',
      old: { connections: 10 },
      new: { connections: 20 },
      at: LATER,
    },
    state: { limits: { connections: 20 } },
  },
  'default policy': {
    command: { type: 'account.set-default-policy', policy: 'P1', at: LATER },
    event: { type: 'account.default_policy_set', old: undefined, new: 'P1', at: LATER },
    state: { defaultPolicy: 'P1' },
  },
  metadata: {
    command: { type: 'account.update-metadata', description: 'Shop', metadata: { team: 'it' }, at: LATER },
    event: {
      type: 'account.metadata_updated',
      old: { description: undefined, metadata: { team: 'shop' } },
      new: { description: 'Shop', metadata: { team: 'it' } },
      at: LATER,
    },
    state: { description: 'Shop', metadata: { team: 'it' } },
  },
  'boundary policy': {
    command: { type: 'account.set-boundary-policy', policy: 'P1', at: LATER },
    event: { type: 'account.boundary_policy_set', old: undefined, new: 'P1', at: LATER },
    state: { boundaryPolicy: 'P1' },
  },
  expiry: {
    command: { type: 'account.set-expiry', expiresAt: '2027-01-01T00:00:00Z', at: LATER },
    event: { type: 'account.expiry_set', old: undefined, new: '2027-01-01T00:00:00Z', at: LATER },
    state: { expiresAt: '2027-01-01T00:00:00Z' },
  },
  exports: {
    command: { type: 'account.update-exports', exports: [news], at: LATER },
    event: { type: 'account.exports_updated', old: [], new: [news], at: LATER },
    state: { exports: [news] },
  },
  imports: {
    command: { type: 'account.update-imports', imports: [heard], at: LATER },
    event: { type: 'account.imports_updated', old: [], new: [heard], at: LATER },
    state: { imports: [heard] },
  },
  suspension: {
    command: { type: 'account.suspend', reason: 'unpaid', at: LATER },
    event: { type: 'account.suspended', reason: 'unpaid', at: LATER },
    state: { suspension: { reason: 'unpaid', since: LATER } },
  },
} as const satisfies Record<string, { command: AccountCommand; event: AccountEvent; state: object }>

describe('an account', () => {
  it('is created with everything it was asked for', () => {
    expect(given().when(create)).toEqual([created])
    const { type: _type, at: _at, ...facts } = create
    expect(after(created)).toEqual({
      ...facts,
      status: 'present',
      signingKeys: ['ASIGN1', 'ASIGN2'].map((publicKey) => ({ publicKey, createdAt: AT })),
      createdAt: AT,
    })
  })

  it('is created once', () => {
    expect(given(created).whenRefused(create)).toBe('already_exists')
  })

  it('loses its default policy again', () => {
    const set = changes['default policy'].event
    const command: AccountCommand = { type: 'account.set-default-policy', policy: undefined, at: LATER }
    const unset: AccountEvent = { type: 'account.default_policy_set', old: 'P1', new: undefined, at: LATER }
    expect(given(created, set).when(command)).toEqual([unset])
    expect(after(created, set, unset)).toEqual(after(created))
  })

  it('takes the order of keys and absent fields for no change', () => {
    const limits: AccountEvent = { ...created, limits: { imports: 1, exports: 2 } }
    const same: AccountCommand = {
      type: 'account.update-limits',
      limits: { exports: 2, connections: undefined, imports: 1 },
      at: LATER,
    }
    expect(given(limits).when(same)).toEqual([])
  })
})

describe.each(Object.entries(changes))('the %s of an account', (_, { command, event, state }) => {
  it('changes, and the event tells what was', () => {
    expect(given(created).when(command)).toEqual([event])
    expect(after(created, event)).toEqual({ ...after(created), ...state })
  })

  it('changes nothing when it is so already', () => {
    expect(given(created, event).when(command)).toEqual([])
  })

  it('cannot change before there is an account', () => {
    expect(given().whenRefused(command)).toBe('not_found')
    expect(after(event)).toEqual(after())
  })
})

describe('an account that was barred', () => {
  const { suspension, expiry } = changes
  const reactivated: AccountEvent = { type: 'account.reactivated', at: LATER }
  const reactivate: AccountCommand = { type: 'account.reactivate', at: LATER }

  it('is reactivated once', () => {
    expect(given(created, suspension.event).when(reactivate)).toEqual([reactivated])
    expect(after(created, suspension.event, reactivated)).toEqual(after(created))
    expect(given(created).when(reactivate)).toEqual([])
    expect(given().whenRefused(reactivate)).toBe('not_found')
    expect(after(reactivated)).toEqual(after())
  })

  it('loses its boundary and its end again', () => {
    const { event: bounded } = changes['boundary policy']
    const unbounded: AccountEvent = { ...bounded, old: 'P1', new: undefined }
    expect(given(created, bounded).when({ type: 'account.set-boundary-policy', at: LATER })).toEqual([
      unbounded,
    ])
    expect(after(created, bounded, unbounded)).toEqual(after(created))
    const endless: AccountEvent = { ...expiry.event, old: expiry.event.new, new: undefined }
    expect(given(created, expiry.event).when({ type: 'account.set-expiry', at: LATER })).toEqual([endless])
    expect(after(created, expiry.event, endless)).toEqual(after(created))
  })

  it('and deleted is as if it had never been', () => {
    const deleted: AccountEvent = { type: 'account.deleted', at: LATER }
    expect(given(created).when({ type: 'account.delete', at: LATER })).toEqual([deleted])
    expect(after(created, deleted)).toEqual(after())
    expect(given().whenRefused({ type: 'account.delete', at: LATER })).toBe('not_found')
  })
})

describe('the status of an account', () => {
  const ends = (at: string): AccountEvent => ({ ...changes.expiry.event, new: at })

  it.each<[status: string, of: AccountEvent[]]>([
    ['active', []],
    ['active', [ends('2026-01-02T00:00:00.001Z')]],
    ['expired', [ends(LATER)]],
    ['expired', [ends('one day')]],
    ['suspended', [changes.suspension.event]],
    ['suspended', [changes.suspension.event, ends(AT)]],
  ])('is %s after %j', (status, events) => {
    const state = after(created, ...events)
    expect(state.status === 'present' && accountStatus(state, Date.parse(LATER))).toBe(status)
  })
})

describe('the activations of an account', () => {
  const facts = { exportType: 'stream', subject: 'news.>', importer: 'AOTHER' } as const

  it('are told when they are made, and are in the hands of others', () => {
    const made = { ...facts, issuedAt: 5, expiresAt: 9, at: LATER }
    const event = { ...made, type: 'account.activation_created' } as const
    expect(given(created).when({ ...made, type: 'account.create-activation' })).toEqual([event])
    expect(after(created, event)).toEqual(after(created))
  })

  it('stay revoked when exports are replaced', () => {
    const revocation = { ...facts, until: 7, at: LATER }
    const event = { ...revocation, type: 'account.activation_revoked' } as const
    expect(given(created).when({ ...revocation, type: 'account.revoke-activation' })).toEqual([event])
    const replaced = { type: 'account.exports_updated', old: [news], new: [], at: LATER } as const
    expect(after(created, event, replaced)).toMatchObject({
      exports: [],
      revokedActivations: { 'stream news.>': { AOTHER: 7 } },
    })
  })
})
