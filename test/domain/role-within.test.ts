import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { partsOf } from '../../src/domain/parts.ts'
import { depthOf, role, ROLE_DEPTH_MAX, withinFault, type RoleEvent } from '../../src/domain/role.ts'
import { anAccount, aPolicy, aRole, aUser } from '../support/requests.ts'
import { AT, LATER, specify } from './given.ts'

const { given, after } = specify(role)
const create = {
  type: 'role.create',
  id: 'R1',
  name: 'chief',
  scope: 'operator',
  policies: ['P'],
  at: AT,
} as const
const created: RoleEvent = { ...create, type: 'role.created', roles: ['R2'] }
const update = { type: 'role.update', policies: ['P'], at: LATER } as const

describe('a role with others within it', () => {
  it('is made with them, and keeps them when nothing is said of them', () => {
    expect(given().when({ ...create, roles: ['R2'] })).toEqual([created])
    const [event] = given(created).when({ ...update, policies: [] })
    expect(event).toEqual({ type: 'role.updated', old: ['P'], new: [], at: LATER })
    expect(after(created, event!)).toMatchObject({ policies: [], roles: ['R2'] })
  })

  it('takes others, and the event tells which there were', () => {
    const [event] = given(created).when({ ...update, roles: [] })
    expect(event).toEqual({
      type: 'role.updated',
      old: ['P'],
      new: ['P'],
      roles: { old: ['R2'], new: [] },
      at: LATER,
    })
    expect(after(created, event!)).toMatchObject({ policies: ['P'], roles: [] })
    expect(given(created).when({ ...update, roles: ['R2'] })).toEqual([])
    const bare: RoleEvent = { ...create, type: 'role.created' } // As they were stored before there was such a thing.
    expect(given(bare).when({ ...update, roles: [] })).toEqual([])
  })
})

/** Up to six roles, any of which may be in any, and one policy for each. */
const names = ['a', 'b', 'c', 'd', 'e', 'f']
const graph = fc
  .tuple(...names.map(() => fc.subarray(names, { maxLength: 2 })))
  .map(
    (lists) =>
      new Map(names.map((name, i) => [name, aRole({ name, policies: [`of-${name}`], roles: lists[i]! })])),
  )

/** The model: by repeating until nothing is new. */
function reached(
  roles: ReadonlyMap<string, { readonly roles?: readonly string[] | undefined }>,
  from: readonly string[],
) {
  let all = new Set(from)
  for (;;) {
    const more = new Set([...all, ...[...all].flatMap((name) => roles.get(name)?.roles ?? [])])
    if (more.size === all.size) return all
    all = more
  }
}

describe('what a user is granted', () => {
  it('is of all roles within its own, each once, even where they are in each other', () => {
    fc.assert(
      fc.property(graph, fc.subarray(names), (roles, held) => {
        const user = aUser({ account: 'A', policies: [], roles: held })
        const parts = partsOf(user, anAccount({ id: 'A' }), {
          policy: (id) => aPolicy({}, { name: id }),
          role: (id) => roles.get(id),
        })
        const policies = 'missing' in parts ? [] : parts.policies.map(({ name }) => name)
        expect([...policies].sort()).toEqual([...reached(roles, held)].map((name) => `of-${name}`).sort())
      }),
    )
  })

  it('is nothing where a role within one is gone, or is of another account', () => {
    const user = aUser({ account: 'A', policies: [], roles: ['outer'] })
    const account = anAccount({ id: 'A' })
    const outer = aRole({ name: 'outer', policies: [], roles: ['inner'] })
    const partsWith = (inner: ReturnType<typeof aRole> | undefined) =>
      partsOf(user, account, { policy: () => undefined, role: (id) => (id === 'outer' ? outer : inner) })
    expect(partsWith(undefined)).toEqual({ missing: 'role_missing', id: 'inner' })
    expect(partsWith(aRole({ name: 'inner', scope: 'AOTHER', policies: [] }))).toEqual({
      missing: 'role_missing',
      id: 'inner',
    })
    expect(partsWith(aRole({ name: 'inner', policies: [] }))).toEqual({ policies: [] })
  })
})

describe('a role cannot be within itself', () => {
  it('by whatever way, and the way is told', () => {
    const found = new Set<boolean>()
    fc.assert(
      fc.property(graph, fc.constantFrom(...names), fc.constantFrom(...names), (roles, name, inner) => {
        const fault = withinFault({ id: name, name, above: 0 }, inner, (id) => roles.get(id))
        const isWithin = reached(roles, [inner]).has(name)
        found.add(isWithin)
        expect(fault !== undefined).toBe(isWithin)
        if (fault === undefined) return
        const way = fault.slice(`"${name}" would contain itself: `.length).split(' → ')
        expect([way[0], way[1], way.at(-1)]).toEqual([name, inner, name])
        for (const [i, each] of way.slice(1, -1).entries())
          expect(roles.get(each)?.roles).toContain(way[i + 2])
      }),
      { numRuns: 2_000 },
    )
    expect(found).toEqual(new Set([true, false]))
  })

  it('nor deeper than a few', () => {
    const chain = (id: string) => ({ name: id, roles: id === '1' ? [] : [String(Number(id) - 1)] })
    const fault = (below: number, above: number) =>
      withinFault({ id: 'x', name: 'x', above }, String(below), chain)
    expect(depthOf('5', chain)).toBe(5)
    expect(fault(4, ROLE_DEPTH_MAX - 5)).toBeUndefined()
    expect(fault(4, ROLE_DEPTH_MAX - 4)).toBe('must not be more than 8 roles deep')
    expect(fault(ROLE_DEPTH_MAX - 1, 0)).toBeUndefined()
    expect(fault(ROLE_DEPTH_MAX, 0)).toBe('must not be more than 8 roles deep')
  })
})
