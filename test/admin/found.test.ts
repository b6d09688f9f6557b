import { afterAll, beforeAll, expect, it } from 'vitest'
import { found } from '../../src/admin/found.ts'
import { accountKey, accountNameKey, OPERATOR_KEY, sealedKey } from '../../src/domain/state-keys.ts'
import type { Operator } from '../../src/domain/operator.ts'
import { KvStateStore } from '../../src/nats/state-store.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

/** The state as it was before its founding. */
async function unfound(): Promise<void> {
  const { store } = world.gatehouse.admin
  const { founding } = world.trust
  const accounts = [founding.system, founding.callout, founding.admin]
  const keys = [
    OPERATOR_KEY,
    ...accounts.flatMap(({ id, name }) => [accountKey(id), accountNameKey(name)]),
    ...[...founding.sealed.keys()].map(sealedKey),
  ]
  const stored = await Promise.all(keys.map((key) => store.get(key)))
  await store.commit(stored.map(({ key, revision }) => ({ key, value: undefined, expected: revision })))
}

it('by five replicas at once is done once, and all of them go on', async () => {
  await unfound()
  const stores = await Promise.all(
    Array.from({ length: 5 }, () => KvStateStore.open(world.gatehouse.connection.nc)),
  )
  const { admin } = world.gatehouse
  const founders = stores.map((store, n) => {
    const context = {
      actor: { account: world.trust.chain.callout, user: `replica-${n}` },
      commandId: `founding-${n}`,
      correlationId: `founding-${n}`,
      at: new Date(2_026, 0, 1 + n).toISOString(),
      nextId: admin.nextId,
      version: '0',
    }
    return found(store, world.trust.founding, context)
  })
  await Promise.all(founders)
  const operator = (await admin.store.get(OPERATOR_KEY)).value as Operator
  expect(operator).toMatchObject({ status: 'present', id: world.trust.founding.operator.id })
})
