import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWorld, type World } from '../support/world.ts'
import { openDoor, type Door } from './door.ts'

let world: World
let door: Door
beforeAll(async () => {
  world = await openWorld()
  door = await openDoor(world)
})
afterAll(() => world[Symbol.asyncDispose]())

interface Item {
  readonly id: string
  readonly name: string
  readonly revision: number
}
interface ListPage {
  readonly items: readonly Item[]
  readonly next?: number
}

/** Pages to the end; `between` happens after each page. */
async function pages(
  name: string,
  payload: object,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<readonly ListPage[]> {
  const found: ListPage[] = []
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = (await door.done(name, { ...payload, after })) as unknown as ListPage
    found.push(page)
    after = page.next
    await between()
  }
  return found
}
const namesOf = (found: readonly ListPage[]): string[] =>
  found.flatMap(({ items }) => items.map(({ name }) => name))

describe('a list', () => {
  const crowd = Array.from({ length: 23 }, (_, n) => `user-${String(n).padStart(2, '0')}`)
  beforeAll(async () => {
    await door.done('account.create', { name: 'CROWD' })
    for (const name of crowd) await door.done('user.create', { account: 'CROWD', name })
  })

  it.each([1, 5, 22, 23, 24, 500])('of %i at a time has everybody once, in order', async (limit) => {
    const found = await pages('user.list', { account: 'CROWD', limit })
    expect(namesOf(found)).toEqual(crowd)
    for (const { items } of found) expect(items.length).toBeLessThanOrEqual(limit)
  })

  it('misses nobody while others change, come and go', async () => {
    let n = 0
    const found = await pages('user.list', { account: 'CROWD', limit: 4 }, async () => {
      n += 1
      if (n > 4) return
      await door.done('user.update-metadata', {
        account: 'CROWD',
        user: crowd[n]!,
        metadata: { n: String(n) },
      })
      await door.done('user.update-metadata', {
        account: 'CROWD',
        user: crowd[20]!,
        metadata: { n: String(n) },
      })
      await door.done('user.delete', { account: 'CROWD', user: crowd[8 + n]! })
      await door.done('user.create', { account: 'CROWD', name: `late-${n}` })
    })
    const stayed = crowd.filter((_, i) => i < 9 || i > 12)
    const late = [1, 2, 3, 4].map((each) => `late-${each}`)
    expect(new Set(namesOf(found))).toEqual(new Set([...stayed, ...late, ...namesOf(found.slice(0, 3))]))
    const after = await pages('user.list', { account: 'CROWD' })
    expect(namesOf(after).sort()).toEqual([...stayed, ...late].sort())
  })

  it('tells the revision that ifRevision asks for', async () => {
    const [page] = await pages('user.list', { account: 'CROWD' })
    const { name, revision } = page!.items[0]!
    const lock = { account: 'CROWD', user: name, reason: 'x' }
    await door.done('user.lock', { ...lock, ifRevision: revision })
    expect(
      await door.command('user.unlock', { account: 'CROWD', user: name, ifRevision: revision }),
    ).toMatchObject({ status: 409 })
  })

  it('is of one account only, and of nobody where there is nobody', async () => {
    await door.done('account.create', { name: 'EMPTY' })
    expect(await door.done('user.list', { account: 'EMPTY' })).toMatchObject({ items: [] })
    expect(await door.done('user.list', { account: 'EMPTY' })).not.toHaveProperty('next')
    expect(await door.command('user.list', { account: 'NOWHERE' })).toMatchObject({ status: 404 })
  })

  it('of large records ends its pages early, and still has them all', async () => {
    const allow = Array.from({ length: 60 }, (_, n) => `${'x'.repeat(900)}.${n}`)
    const large = Array.from({ length: 12 }, (_, n) => `large-${n}`)
    for (const name of large) await door.done('policy.create', { name, publish: { allow } })
    const found = await pages('policy.list', { limit: 500 })
    expect(found.length).toBeGreaterThan(2)
    const names = namesOf(found)
    expect(names).toEqual(expect.arrayContaining([...large, 'base', 'admin']))
    expect(new Set(names).size).toBe(names.length)
  })

  it('of accounts and roles has them all', async () => {
    await door.done('role.create', { name: 'r1', policies: ['readonly'] })
    await door.done('role.create', { name: 'r2', account: 'ORDERS', policies: ['base', 'readonly'] })
    const accounts = await pages('account.list', { limit: 2 })
    expect(namesOf(accounts).sort()).toEqual(
      ['SYS', 'AUTH', 'ADMIN', 'ORDERS', 'ANALYTICS', 'CROWD', 'EMPTY'].sort(),
    )
    const roles = await pages('role.list', { limit: 1 })
    expect(namesOf(roles)).toEqual(['r1', 'r2'])
    expect(roles[1]?.items).toMatchObject([{ policies: ['base', 'readonly'] }])
  })
})
