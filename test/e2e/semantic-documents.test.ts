import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apply } from '../../src/admin/apply.ts'
import { parseDocuments } from '../../src/admin/documents.ts'
import { ask } from '../admin/bus.ts'
import { command } from '../support/clients.ts'
import { adminOf } from '../support/permitted.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

const allow = [
  { kv: 'config', may: ['read', 'watch'], keys: ['app.{{user.name}}.>'] },
  { service: 'pricing', subjects: ['pricing.*'], may: ['serve'], queue: 'q' },
]
const deny = [{ stream: 'ORDERS', may: ['manage'] }]
const documentOf = (more: object) =>
  parseDocuments([{ path: 'p.yaml', text: JSON.stringify({ kind: 'policy', name: 'in-words', ...more }) }])
const applied = async (more: object): Promise<number> => {
  const actor = { account: world.trust.chain.admin, user: 'test' }
  return (await apply(world.gatehouse.admin, documentOf(more), actor)).length
}
const permissionsNow = async (): Promise<unknown> => {
  const { policy } = await command(await adminOf(world), 'policy.get', { policy: 'in-words' })
  return (policy as { readonly permissions: unknown }).permissions
}

describe('a document with permissions in words', () => {
  it('is applied once, changed, and rolled back to what it said', async () => {
    expect(await applied({ allow, deny })).toBe(1)
    expect(await applied({ allow, deny })).toBe(0)
    expect(await permissionsNow()).toMatchObject({ allow, deny })

    expect(await applied({ allow })).toBe(1)
    expect(await permissionsNow()).not.toHaveProperty('deny')

    await command(await adminOf(world), 'policy.rollback', { policy: 'in-words', version: 1 })
    expect(await permissionsNow()).toMatchObject({ allow, deny })
    expect(await applied({ allow, deny })).toBe(0)
  })

  it('that nobody would hold anybody to is refused as unenforceable, by command too', async () => {
    const bad = { policy: 'in-words', deny: [{ kv: 'config', may: ['read'], keys: ['a.>'] }] }
    const refused = command(await adminOf(world), 'policy.update-permissions', bad)
    await expect(refused).rejects.toThrow(/"code":"unenforceable".*deny\[0\]\.keys/)
  })
})

describe('the events of a policy in words', () => {
  it('say what it said and what it says, as their schemas promise', async () => {
    const admin = await adminOf(world)
    // Every event in a reply is held against its schema.
    const events = async (name: string, payload: object): Promise<readonly unknown[]> => {
      const { status, body } = await ask(admin, { command: `policy.${name}`, payload })
      expect(status).toBe(200)
      return (body['events'] as readonly { readonly data: unknown }[]).map(({ data }) => data)
    }
    const policy = 'told-in-words'
    expect(await events('create', { name: policy, allow, deny })).toMatchObject([
      { permissions: { allow, deny } },
    ])
    expect(await events('update-permissions', { policy, allow: deny })).toMatchObject([
      { old: { allow, deny }, new: { allow: deny } },
    ])
    expect(await events('rollback', { policy, version: 1 })).toMatchObject([
      { old: { permissions: { allow: deny } }, new: { permissions: { allow, deny } } },
    ])
    const { body } = await ask(admin, { command: 'policy.history', payload: { policy } })
    expect(body['items']).toMatchObject([
      { permissions: { allow, deny } },
      { permissions: { allow: deny } },
      { permissions: { allow, deny } },
    ])
  })
})
