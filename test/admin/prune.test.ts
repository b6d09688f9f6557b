import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDocuments, type Documents } from '../../src/admin/documents.ts'
import { exported, exportedText } from '../../src/admin/exported.ts'
import { prune } from '../../src/admin/prune.ts'
import type { PolicyRecord, RoleRecord, Snapshot } from '../../src/admin/snapshot.ts'
import { anySnapshot } from '../support/snapshots.ts'

const self = { account: 'ADMIN', user: 'admin' }
const offers = (): boolean => true

function documentsOf(snapshot: Snapshot, isDeclared: (index: number) => boolean): Documents {
  const files = exported(snapshot)
    .filter((_, index) => isDeclared(index))
    .map((each, n) => ({ path: `${n}.yaml`, text: exportedText(each, 's.json') }))
  return parseDocuments(files)
}

/** What is left of a state: who has what, by the ids of policies and roles. */
class Model {
  readonly #snapshot: Snapshot
  readonly #scopes: ReadonlyMap<string, string>
  readonly #gone = new Set<string>()
  readonly #released = new Set<string>()

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
    this.#scopes = new Map(snapshot.accounts.map(({ id, name }) => [name, id]))
  }

  /** Does it, as the commands would. Throws when it is in use. */
  do(name: string, payload: Readonly<Record<string, unknown>>): void {
    const account = payload['account'] as string | undefined
    switch (name) {
      case 'user.delete':
        this.#gone.add(`user ${account ?? ''} ${String(payload['user'])}`)
        return
      case 'account.set-default-policy':
        this.#released.add(`default ${account ?? ''}`)
        return
      case 'account.set-boundary-policy':
        this.#released.add(`boundary ${account ?? ''}`)
        return
      case 'account.delete':
        for (const { name } of this.#users(account ?? ''))
          throw new Error(`${account ?? ''} has user ${name}`)
        for (const { id, scope } of [...this.#snapshot.policies, ...this.#snapshot.roles])
          if (scope === this.#scopes.get(account ?? '') && !this.#gone.has(id))
            throw new Error(`it has ${id}`)
        this.#gone.add(`account ${account ?? ''}`)
        return
      case 'role.delete':
      case 'policy.delete': {
        const kind = name === 'role.delete' ? 'role' : 'policy'
        const items = kind === 'role' ? this.#snapshot.roles : this.#snapshot.policies
        const scope = account === undefined ? 'operator' : this.#scopes.get(account)
        const { id } = items.find((each) => each.scope === scope && each.name === payload[kind])!
        if (this.used().has(id)) throw new Error(`${id} is in use`)
        this.#gone.add(id)
      }
    }
  }

  /** Ids of everything that somebody who is left has. */
  used(): ReadonlySet<string> {
    const { accounts, policies, roles } = this.#snapshot
    const used = new Set<string>()
    const has = (
      scope: string,
      name: string | undefined,
      items: readonly (PolicyRecord | RoleRecord)[],
    ): void => {
      const found = [scope, 'operator'].map((each) =>
        items.find((item) => item.scope === each && item.name === name),
      )
      const id = found.find((item) => item !== undefined)?.id
      if (id !== undefined) used.add(id)
    }
    for (const { id, name, defaultPolicy, boundaryPolicy } of accounts) {
      for (const user of this.#users(name)) {
        for (const each of user.policies) has(id, each, policies)
        for (const each of user.roles) has(id, each, roles)
      }
      if (this.#gone.has(`account ${name}`)) continue
      if (!this.#released.has(`default ${name}`)) has(id, defaultPolicy, policies)
      if (!this.#released.has(`boundary ${name}`)) has(id, boundaryPolicy, policies)
    }
    for (const role of roles)
      if (!this.#gone.has(role.id)) {
        for (const each of role.policies) has(role.scope, each, policies)
        for (const each of role.roles ?? []) has(role.scope, each, roles)
      }
    return used
  }

  get gone(): ReadonlySet<string> {
    return this.#gone
  }

  #users(account: string) {
    return (this.#snapshot.users.get(account) ?? []).filter(
      ({ name }) => !this.#gone.has(`user ${account} ${name}`),
    )
  }
}

describe('pruning', () => {
  it('takes nothing that is in use when it goes, and leaves nothing undeclared that nobody has', () => {
    let [removed, accounts] = [0, 0]
    fc.assert(
      fc.property(
        anySnapshot,
        fc.nat(99),
        fc.array(fc.nat(99), { minLength: 60, maxLength: 60 }),
        (snapshot, percent, chances) => {
          const documents = documentsOf(snapshot, (index) => (chances[index] ?? 0) < percent)
          const { steps, kept } = prune(snapshot, documents, { self, offers })
          const model = new Model(snapshot)
          for (const { name, payload } of steps) model.do(name, payload)
          removed += steps.length
          accounts += steps.filter(({ name }) => name === 'account.delete').length
          const declared = new Set([
            ...documents.accounts.map(({ content }) => content.name),
            ...[...documents.policies, ...documents.roles].map(({ content }) => content.account),
          ])
          for (const { name } of snapshot.accounts)
            expect(model.gone.has(`account ${name}`)).toBe(!declared.has(name))
          // What a name may lead to counts as had, so a little more may be kept than is.
          expect(kept.every(({ target }) => !steps.some((step) => step.target === target))).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
    expect(removed).toBeGreaterThan(300)
    expect(accounts).toBeGreaterThan(20)
  })

  it('of everything leaves nothing', () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        const { steps, kept } = prune(snapshot, parseDocuments([]), { self, offers })
        const model = new Model(snapshot)
        for (const { name, payload } of steps) model.do(name, payload)
        expect(kept).toEqual([])
        for (const { id } of [...snapshot.policies, ...snapshot.roles]) expect(model.gone.has(id)).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  const admins: Snapshot = {
    accounts: [
      { id: 'S', name: 'SYS', role: 'system', limits: {}, metadata: {}, revision: 1 },
      { id: 'C', name: 'AUTH', role: 'callout', limits: {}, metadata: {}, revision: 2 },
      { id: 'D', name: 'ADMIN', role: 'admin', limits: {}, metadata: {}, revision: 3 },
      { id: 'T', name: 'TENANT', role: 'tenant', limits: {}, metadata: {}, revision: 4 },
    ],
    policies: [],
    roles: [],
    users: new Map([
      [
        'ADMIN',
        ['admin', 'other'].map((name) => ({
          id: name,
          name,
          policies: [],
          roles: [],
          metadata: {},
          revision: 5,
        })),
      ],
      ['TENANT', [{ id: 'u', name: 'u', policies: [], roles: [], metadata: {}, revision: 6 }]],
    ]),
  }
  const targets = (text: string, can = offers as (name: string) => boolean): string[] => {
    const documents = parseDocuments(text === '' ? [] : [{ path: 'd.yaml', text }])
    return prune(admins, documents, { self, offers: can }).steps.map(({ target }) => target)
  }

  it('never touches SYS, AUTH and ADMIN, nor who prunes', () => {
    expect(targets('')).toEqual(['user u in TENANT', 'account TENANT'])
    expect(targets('kind: account\nname: ADMIN\n')).toEqual([
      'user other in ADMIN',
      'user u in TENANT',
      'account TENANT',
    ])
  })

  it('leaves an account whole that nothing can delete', () => {
    expect(targets('', (name) => name !== 'account.delete')).toEqual([])
  })
})
