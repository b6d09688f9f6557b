import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ulid } from 'ulid'
import type { Aggregate } from '../../src/admin/aggregates.ts'
import type { StateStore } from '../../src/admin/state-store.ts'
import { Transaction, View } from '../../src/admin/transaction.ts'
import { GatehouseError, RevisionConflict } from '../../src/errors.ts'
import { openWorld, type World } from '../support/world.ts'

/** The smallest aggregate with a unique name that can change. */
interface Label {
  readonly id: string
  readonly name: string
  readonly version: number
}
type Change = { readonly type: 'label.named'; readonly id: string; readonly name: string }

const labels: Aggregate<Label | undefined, Omit<Change, 'type'>, Change> = {
  decider: {
    initial: undefined,
    decide: (state, { id, name }) => (state?.name === name ? [] : [{ type: 'label.named', id, name }]),
    evolve: (state, { id, name }) => ({ id, name, version: (state?.version ?? 0) + 1 }),
  },
  indexes: (state) => (state === undefined ? new Map() : new Map([[nameKey(state.name), state.id]])),
  audience: () => 'operator',
  told: (event) => event,
}
const nameKey = (name: string): string => `index.label-name.${Buffer.from(name).toString('base64url')}`
const labelKey = (id: string): string => `label.${id}`

let world: World
let store: StateStore
beforeAll(async () => {
  world = await openWorld()
  store = world.gatehouse.admin.store
})
afterAll(() => world[Symbol.asyncDispose]())

function begin(): Transaction {
  const commandId = ulid()
  const at = '2026-01-01T00:00:00.000Z'
  const actor = { account: 'A', user: 'test' }
  return new Transaction(store, {
    actor,
    commandId,
    correlationId: commandId,
    at,
    nextId: ulid,
    version: '0',
  })
}

async function name(id: string, text: string): Promise<void> {
  const tx = begin()
  await tx.execute(labels, labelKey(id), { id, name: text })
  await tx.commit()
}

const holder = async (text: string): Promise<unknown> => new View(store).get(nameKey(text))

describe('a transaction', () => {
  it('sees what it has done, and shows nobody else before it commits', async () => {
    const tx = begin()
    await tx.execute(labels, labelKey('seen'), { id: 'seen', name: 'before' })
    await tx.execute(labels, labelKey('seen'), { id: 'seen', name: 'after' })
    expect(await tx.load(labels, labelKey('seen'))).toEqual({ id: 'seen', name: 'after', version: 2 })
    expect(await new View(store).get(labelKey('seen'))).toBeUndefined()

    const { revision, events } = await tx.commit()
    expect(await store.get(labelKey('seen'))).toMatchObject({ revision, value: { name: 'after' } })
    expect(events.map(({ data }) => data['name'])).toEqual(['before', 'after'])
    expect(await holder('before')).toBeUndefined()
    expect(await holder('after')).toBe('seen')
  })

  it('that changes nothing writes nothing', async () => {
    await name('same', 'same')
    const tx = begin()
    await tx.execute(labels, labelKey('same'), { id: 'same', name: 'same' })
    const { revision } = await store.get(labelKey('same'))
    expect(await tx.commit()).toEqual({ revision, events: [] })
  })

  it('takes no name that another has', async () => {
    await name('first', 'wanted')
    const refused = name('second', 'wanted')
    await expect(refused).rejects.toMatchObject({
      code: 'already_exists',
      message: 'the name "wanted" is taken',
    })
    expect(await holder('wanted')).toBe('first')
    expect(await new View(store).get(labelKey('second'))).toBeUndefined()
  })

  it('gives a name free that it gives up, and anybody may take it, and give it back', async () => {
    await name('giver', 'passed on')
    await name('giver', 'another')
    await name('taker', 'passed on')
    expect(await holder('passed on')).toBe('taker')
    await name('taker', 'a third')
    await name('giver', 'passed on')
    expect(await holder('passed on')).toBe('giver')
  })

  it('loses to whoever changed what it holds, whether it writes that or not', async () => {
    await name('held', 'held')
    const seen = await store.get(labelKey('held'))
    await name('held', 'moved')
    for (const id of ['held', 'holder']) {
      const tx = begin()
      tx.hold(seen)
      await tx.execute(labels, labelKey(id), { id, name: `of ${id}` })
      await expect(tx.commit()).rejects.toBeInstanceOf(RevisionConflict)
    }
    const tx = begin()
    tx.hold(await tx.stored(labelKey('held')))
    await tx.execute(labels, labelKey('holder'), { id: 'holder', name: 'of holder' })
    await tx.commit()
    expect(await holder('of holder')).toBe('holder')
  })

  it('holds that there is none where it found none', async () => {
    const none = begin()
    expect(await none.anyOf('label.none.*')).toBeUndefined()
    await none.execute(labels, labelKey('looker'), { id: 'looker', name: 'looked' })
    await name('none.one', 'the first')
    await expect(none.commit()).rejects.toBeInstanceOf(RevisionConflict)

    const some = begin()
    expect(await some.anyOf('label.none.*')).toMatchObject({ key: 'label.none.one' })
    await some.execute(labels, labelKey('looker'), { id: 'looker', name: 'looked' })
    await name('none.two', 'the second')
    await some.commit()
  })

  it('that only holds writes nothing', async () => {
    const tx = begin()
    tx.hold({ key: labelKey('held'), revision: 0 })
    expect(await tx.commit()).toEqual({ revision: 0, events: [] })
  })

  it('loses to whoever changed what it read, in the aggregate or in an index', async () => {
    await name('raced', 'raced')
    const late = begin()
    await late.execute(labels, labelKey('raced'), { id: 'raced', name: 'late' })
    await name('raced', 'early')
    await expect(late.commit()).rejects.toBeInstanceOf(RevisionConflict)

    const [one, two] = [begin(), begin()]
    await one.execute(labels, labelKey('one'), { id: 'one', name: 'both' })
    await two.execute(labels, labelKey('two'), { id: 'two', name: 'both' })
    await one.commit()
    await expect(two.commit()).rejects.toBeInstanceOf(RevisionConflict)
    expect(await new View(store).get(labelKey('two'))).toBeUndefined()
    expect(await holder('both')).toBe('one')
    await expect(name('two', 'both')).rejects.toBeInstanceOf(GatehouseError)
  })
})
