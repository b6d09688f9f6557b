import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apply, draft, serviceOf } from '../../src/admin/apply.ts'
import { readDocuments } from '../../src/admin/documents.ts'
import { exported, exportedText } from '../../src/admin/exported.ts'
import { prune } from '../../src/admin/prune.ts'
import { readSnapshot } from '../../src/admin/snapshot.ts'
import type { Actor } from '../../src/admin/transaction.ts'
import { openWorld, type World } from '../support/world.ts'
import { ask } from './bus.ts'
import { openDoor, type Door } from './door.ts'

let world: World
let door: Door
let actor: Actor
let one: NatsConnection
let other: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  door = await openDoor(world)
  actor = { account: world.trust.chain.admin, user: 'test' }
  one = await world.connectAs('admin')
  other = await world.connectAs('admin')
})
afterAll(() => world[Symbol.asyncDispose]())

async function mayPublish(token: string): Promise<readonly string[]> {
  await world.gatehouse.directory.upToDate()
  const nc = await door.enter(token)
  const { grant } = (await nc.request('auth.v1.whoami')).json<{ grant: { publish: { allow: string[] } } }>()
  await nc.close()
  return grant.publish.allow
}

const refusal = (field: string, rule: string) => ({
  status: 400,
  error: { code: 'invalid_request', message: `${field}: ${rule}`, faults: [{ where: field, rule }] },
})
const makeRole = (name: string, roles: readonly string[] = [], policies: readonly string[] = []) =>
  door.done('role.create', { name, policies, roles })

describe('a role within another', () => {
  it('gives what it gives through the other, and follows every change of both', async () => {
    await door.done('policy.create', { name: 'calls', publish: { allow: ['calls.>'] } })
    await makeRole('support', [], ['calls'])
    await makeRole('first-line', ['support'])
    await makeRole('rota', ['first-line'])
    const { token } = await door.newcomer('ORDERS', 'sue', { roles: ['rota'] })
    expect(await mayPublish(token)).toEqual(['auth.v1.whoami', 'calls.>'])

    const { events } = await door.done('role.update', { role: 'first-line', policies: [], roles: [] })
    expect(events).toMatchObject([
      { data: { old: [], new: [], roles: { old: [expect.any(String)], new: [] } } },
    ])
    expect(await mayPublish(token)).toEqual(['auth.v1.whoami'])
    await door.done('role.update', { role: 'rota', policies: [], roles: ['first-line', 'support'] })
    expect(await mayPublish(token)).toEqual(['auth.v1.whoami', 'calls.>'])
    await door.done('role.update', { role: 'rota', policies: ['base'] }) // They stay.
    expect((await door.done('role.list'))['items']).toContainEqual(
      expect.objectContaining({ name: 'rota', policies: ['base'], roles: ['first-line', 'support'] }),
    )
    expect(await mayPublish(token)).toEqual(['auth.v1.whoami', 'calls.>'])
  })

  it('is not deleted before it is taken out, and has to be there', async () => {
    await makeRole('held')
    await makeRole('holding', ['held'])
    expect(await door.command('role.delete', { role: 'held' })).toMatchObject({
      status: 409,
      error: { code: 'in_use', message: 'the role is in use by a role: take it away first' },
    })
    await door.done('role.update', { role: 'holding', policies: [], roles: [] })
    await door.done('role.delete', { role: 'held' })
    const gone = { role: 'holding', policies: [], roles: ['held'] }
    expect(await door.command('role.update', gone)).toMatchObject({ status: 404 })
  })

  it('of one account is in no role of everybody', async () => {
    await door.done('role.create', { name: 'local', account: 'ORDERS', policies: [] })
    const wide = { name: 'wide', policies: [], roles: ['local'] }
    expect(await door.command('role.create', wide)).toMatchObject({ status: 404 })
    await door.done('role.create', { ...wide, account: 'ORDERS' })
  })

  it('is never the other one, by whatever way', async () => {
    await makeRole('a')
    await makeRole('b', ['a'])
    await makeRole('c', ['b'])
    const put = (role: string, ...roles: string[]) =>
      door.command('role.update', { role, policies: [], roles })
    expect(await put('a', 'support', 'c')).toMatchObject(
      refusal('roles[1]', '"a" would contain itself: a → c → b → a'),
    )
    expect(await put('a', 'a')).toMatchObject(refusal('roles[0]', '"a" would contain itself: a → a'))
    expect(await door.command('role.create', { name: 'new', policies: [], roles: ['new'] })).toMatchObject(
      refusal('roles[0]', '"new" would contain itself: new → new'),
    )
    expect(await put('a', 'support')).toMatchObject({ status: 200 })
  })

  it('is at most the eighth from above', async () => {
    await makeRole('deep-1')
    for (let n = 2; n <= 8; n += 1) await makeRole(`deep-${n}`, [`deep-${n - 1}`])
    expect(
      await door.command('role.create', { name: 'deep-9', policies: [], roles: ['deep-8'] }),
    ).toMatchObject(refusal('roles[0]', 'must not be more than 8 roles deep'))
    await makeRole('deep-0')
    expect(
      await door.command('role.update', { role: 'deep-1', policies: [], roles: ['deep-0'] }),
    ).toMatchObject(refusal('roles[0]', 'must not be more than 8 roles deep'))
  })

  it('is so too where it is put in below, alone or while the others are put in above', async () => {
    const last = (rest: string) => `tail-${rest}`
    for (const name of ['a', 'b', 'c', 'd']) {
      await makeRole(last(name))
      for (let n = 2; n <= 7; n += 1)
        await makeRole(`${name}-${n}`, [n === 2 ? last(name) : `${name}-${n - 1}`])
      await makeRole(`leaf-${name}`)
      // Eight with the leaf, nine with what is above: neither command sees the other's.
      const replies = await Promise.all([
        ask(one, {
          command: 'role.update',
          payload: { role: last(name), policies: [], roles: [`leaf-${name}`] },
        }),
        ask(other, {
          command: 'role.create',
          payload: { name: `top-${name}`, policies: [], roles: [`${name}-7`] },
        }),
      ])
      expect(replies.map(({ status }) => status).sort()).toEqual([200, 400])
    }
  })

  it('is not the other one either when both are changed at the same time', { timeout: 60_000 }, async () => {
    for (let n = 0; n < 6; n += 1) {
      const [left, middle, right] = [`left-${n}`, `middle-${n}`, `right-${n}`]
      for (const name of [left, right]) await makeRole(name)
      await makeRole(middle, [right])
      // Neither changes what the other names: only what is below it.
      const replies = await Promise.all([
        ask(one, { command: 'role.update', payload: { role: left, policies: [], roles: [middle] } }),
        ask(other, { command: 'role.update', payload: { role: right, policies: [], roles: [left] } }),
      ])
      expect(replies.map(({ status }) => status).sort()).toEqual([200, 400])
    }
  })
})

describe('documents of roles within each other', () => {
  const role = (name: string, ...roles: string[]) =>
    `kind: role\nname: ${name}\nroles: [${roles.join(', ')}]\n`
  const read = (...texts: string[]) => readDocuments([{ path: 'r.yaml', text: texts.join('---\n') }])
  const service = () => serviceOf(world.gatehouse.admin, actor)
  const applied = async (...texts: string[]): Promise<readonly string[]> => {
    const steps = await apply(world.gatehouse.admin, read(...texts), actor)
    expect((await draft(service(), read(...texts))).steps).toEqual([])
    return steps.map(({ name, target }) => `${name} ${target}`)
  }

  it('are applied in whatever order they are written, and turned round', async () => {
    expect(await applied(role('outer', 'middle'), role('middle', 'inner'), role('inner'))).toEqual([
      'role.create role inner',
      'role.create role middle',
      'role.create role outer',
    ])
    expect(await applied(role('inner', 'middle'), role('middle', 'outer'), role('outer'))).toEqual([
      'role.update role outer',
      'role.update role middle',
      'role.update role inner',
    ])
  })

  it('that contain themselves are refused at their place, over stored roles too', async () => {
    await applied(role('stored', 'below'), role('below'))
    await expect(
      draft(service(), read(role('x', 'y'), role('y', 'x'), role('below', 'inner', 'stored'))),
    ).rejects.toMatchObject({
      code: 'invalid_document',
      faults: [
        { where: 'r.yaml:3:9 roles[0]', rule: '"x" would contain itself: x → y → x' },
        { where: 'r.yaml:7:9 roles[0]', rule: '"y" would contain itself: y → x → y' },
        { where: 'r.yaml:11:16 roles[1]', rule: '"below" would contain itself: below → stored → below' },
      ],
    })
    await expect(draft(service(), read(role('z', 'nobody')))).rejects.toMatchObject({
      faults: [{ where: 'r.yaml:3:9 roles[0]', rule: 'there is no role "nobody"' }],
    })
  })

  it('that are too deep below what is stored are refused at their place', async () => {
    for (let n = 1; n <= 8; n += 1) await makeRole(`chain-${n}`, n === 1 ? [] : [`chain-${n - 1}`])
    await expect(draft(service(), read(role('chain-1', 'end'), role('end')))).rejects.toMatchObject({
      faults: [{ where: 'r.yaml:3:9 roles[0]', rule: 'must not be more than 8 roles deep' }],
    })
  })

  it('are what is exported, and nobody declared are removed from above', async () => {
    await applied(role('top', 'mid'), role('mid', 'low'), role('low'))
    const snapshot = await readSnapshot(service(), { operator: false, users: () => 'all' })
    const told = exported(snapshot).find(({ kind, name }) => kind === 'role' && name === 'mid')!
    expect(exportedText(told, 's.json')).toContain('roles: [low]')
    const removal = prune(snapshot, read(role('kept', 'low')), {
      self: { account: 'ADMIN', user: 'admin' },
      offers: () => true,
    })
    const targets = removal.steps
      .map(({ target }) => target)
      .filter((each) => /^role (top|mid|low)$/.test(each))
    expect(targets).toEqual(['role top', 'role mid'])
    expect(removal.kept).toContainEqual({ target: 'role low', why: 'it is in use by what stays' })
  })
})
