import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDocuments } from '../../src/admin/documents.ts'
import { exported, exportedText } from '../../src/admin/exported.ts'
import { plan } from '../../src/admin/plan.ts'
import { prune } from '../../src/admin/prune.ts'
import { sizeText } from '../../src/admin/written.ts'
import { durationText } from '../../src/domain/duration.ts'
import { duration } from '../../src/admin/fields.ts'
import type { Snapshot } from '../../src/admin/snapshot.ts'
import { anySnapshot } from '../support/snapshots.ts'

const offers = (): boolean => true

function accountOf({ accounts }: Snapshot, scope: string): object {
  const account = accounts.find(({ id }) => id === scope)?.name
  return account === undefined ? {} : { account }
}

describe('what is exported', () => {
  it('applies to no change, and leaves nothing to prune, whatever the state', () => {
    let seen = 0
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        const files = exported(snapshot).map((each, n) => ({
          path: `${n}.yaml`,
          text: exportedText(each, 's.json'),
        }))
        const documents = parseDocuments(files)
        seen += documents.accounts.length
        expect(plan(snapshot, documents, { offers })).toEqual([])
        const self = { account: 'nobody', user: 'nobody' }
        expect(prune(snapshot, documents, { offers, self })).toEqual({ steps: [], kept: [] })
        expect(exported(snapshot)).toEqual(exported(snapshot))
      }),
      { numRuns: 300 },
    )
    expect(seen).toBeGreaterThan(300)
  })

  it('says everything that commands tell of it', () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        const files = exported(snapshot).map((each, n) => ({
          path: `${n}.yaml`,
          text: exportedText(each, 's'),
        }))
        const { accounts, policies, roles } = parseDocuments(files)
        const find = <Content extends { readonly name: string; readonly account?: string | undefined }>(
          all: readonly { readonly content: Content }[],
          { name, scope }: { readonly name: string; readonly scope: string },
        ): Content | undefined => {
          const account = snapshot.accounts.find(({ id }) => id === scope)?.name
          return all.find(({ content }) => content.name === name && content.account === account)?.content
        }
        for (const { id: _, scope, permissions, revision: _revision, ...policy } of snapshot.policies)
          expect(find(policies, { ...policy, scope })).toEqual({
            kind: 'policy',
            ...policy,
            ...permissions,
            ...accountOf(snapshot, scope),
          })
        for (const { id: _, scope, revision: _revision, ...role } of snapshot.roles)
          expect(find(roles, { ...role, scope })).toEqual({
            kind: 'role',
            ...role,
            ...accountOf(snapshot, scope),
          })
        for (const { id: _, role: _role, revision: _revision, ...account } of snapshot.accounts) {
          const users = (snapshot.users.get(account.name) ?? []).map(
            ({ id: _, revision: _revision, ...user }) => user,
          )
          const { users: declared, ...content } = accounts.find(
            (each) => each.content.name === account.name,
          )!.content
          expect(content).toEqual({
            kind: 'account',
            ...account,
            defaultPolicy: account.defaultPolicy ?? null,
          })
          expect(new Map(declared.map((user) => [user.name, user]))).toEqual(
            new Map(users.map((user) => [user.name, user])),
          )
        }
      }),
      { numRuns: 100 },
    )
  })

  it('is stable: the order in which the state is told does not count', () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        const turned = {
          ...snapshot,
          accounts: snapshot.accounts.toReversed(),
          policies: snapshot.policies.toReversed(),
          roles: snapshot.roles.toReversed(),
          users: new Map([...snapshot.users].map(([account, users]) => [account, users.toReversed()])),
        }
        const texts = (of: typeof snapshot): string[] =>
          exported(of)
            .map((each) => exportedText(each, 's'))
            .sort()
        expect(texts(turned)).toEqual(texts(snapshot))
      }),
      { numRuns: 100 },
    )
  })

  it('says units that are read back as they were', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 3_650 * 86_400_000 }), (ms) => {
        expect(duration.parse(durationText(ms))).toBe(ms)
      }),
    )
    expect(durationText(5_400_000)).toBe('1h30m')
    expect(sizeText(64 * 2 ** 20)).toBe('64MiB')
    expect(sizeText(1_500)).toBe(1_500)
    expect(sizeText(0)).toBe(0)
  })

  it('reads like what people write', () => {
    const [text] = exported({
      accounts: [
        {
          id: 'A',
          name: 'ORDERS',
          role: 'tenant',
          description: 'Orders and inventory.',
          limits: { jetstream: { diskBytes: 2 ** 30 } },
          metadata: {},
          revision: 1,
        },
      ],
      policies: [],
      roles: [],
      users: new Map([
        [
          'ORDERS',
          [
            {
              id: 'U',
              name: 'alice@example.com',
              policies: ['developer'],
              roles: [],
              metadata: {},
              revision: 2,
            },
          ],
        ],
      ]),
    }).map((each) => exportedText(each, '../schemas/account.json'))
    expect(text).toBe(`# yaml-language-server: $schema=../schemas/account.json
kind: account
name: ORDERS
description: Orders and inventory.
limits:
  jetstream:
    disk: 1GiB
defaultPolicy: null
users:
  - name: alice@example.com
    policies: [developer]
`)
  })
})
