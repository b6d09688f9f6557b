import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readDocuments } from '../../src/admin/documents.ts'
import { STATE_STREAM } from '../../src/nats/buckets.ts'
import { openWorld, type World } from '../support/world.ts'
import { ask } from './bus.ts'

let world: World
let admin: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
})
afterAll(() => world[Symbol.asyncDispose]())

async function lastSequence(): Promise<number> {
  const manager = await jetstreamManager(world.gatehouse.connection.nc)
  return (await manager.streams.info(STATE_STREAM)).state.last_seq
}

const allow = (subject: string) => ({ publish: { allow: ['fine', subject] } })
const window = (facts: object) => ({ limits: { windows: [{ start: '08:00', end: '18:00', ...facts }] } })

/** Each is refused with the path of its field and the rule, whichever way it comes. */
const BAD: readonly (readonly [what: string, policy: object, field: string, rule: RegExp])[] = [
  ['an empty subject', allow(''), 'publish.allow[1]', /must not be empty/],
  ['an empty token', allow('a..b'), 'publish.allow[1]', /empty tokens/],
  ['> in the middle', allow('a.>.b'), 'publish.allow[1]', /">" may only be the last token/],
  ['a space', allow('a b'), 'publish.allow[1]', /spaces/],
  ['a control character', allow('a\u0007'), 'publish.allow[1]', /control characters/],
  ['what is not seen', allow('a\u200b'), 'publish.allow[1]', /not seen/],
  ['an unknown variable', allow('a.{{user.email}}'), 'publish.allow[1]', /unknown variable/],
  ['claims, which no token brings yet', allow('a.{{claims.team}}'), 'publish.allow[1]', /unknown variable/],
  ['half a variable', allow('a.{{user.id'), 'publish.allow[1]', /may only enclose a variable/],
  ['a queue group of spaces', { subscribe: { allow: ['a b c'] } }, 'subscribe.allow[0]', /queue group/],
  ['an unknown field', { publish: { permit: ['a'] } }, 'publish.permit', /not a field that is known/],
  ['an unknown field on top', { colour: 'red' }, 'colour', /not a field that is known/],
  ['another inbox', { inbox: 'secret' }, 'inbox', /shared or private/],
  ['a kind that there is not', { allow: [{ topic: 'x', may: ['read'] }] }, 'allow[0]', /stream/],
  ['an action that there is not', { allow: [{ stream: 'S', may: ['eat'] }] }, 'allow[0].may[0]', /view/],
  ['a stream with a dot', { allow: [{ stream: 'a.b', may: ['view'] }] }, 'allow[0].stream', /./],
  ['a window without zone', window({}), 'limits.windows[0].zone', /missing/],
  ['a window in no zone', window({ zone: 'Mars/Olympus' }), 'limits.windows[0].zone', /time zone/],
  ['a window of no time', window({ zone: 'UTC', start: '18:00' }), 'limits.windows[0].end', /./],
  ['a CIDR with host bits', { limits: { sources: ['10.0.0.1/8'] } }, 'limits.sources[0]', /host bits/],
  ['host bits of IPv6', { limits: { sources: ['fd00::1/8'] } }, 'limits.sources[0]', /host bits/],
  [
    'a limit that nobody keeps',
    { limits: { payload: '1KiB' } },
    'limits.payload',
    /limits\.payload of the account/,
  ],
]

describe('a policy with', () => {
  it.each(BAD)('%s is refused by command, and nothing is stored', async (_, policy, field, rule) => {
    const before = await lastSequence()
    const { error } = await ask(admin, { command: 'policy.create', payload: { name: 'bad', ...policy } })
    expect(['invalid_request', 'unenforceable']).toContain(error.code)
    expect(error.faults).toContainEqual({ where: field, rule: expect.stringMatching(rule) as string })
    expect(await lastSequence()).toBe(before)
  })

  it.each(BAD)('%s is refused in a document, with its place', (_, policy, field, rule) => {
    const text = JSON.stringify({ kind: 'policy', name: 'bad', ...policy }, null, 2)
    const { faults, policies } = readDocuments([{ path: 'bad.yaml', text }])
    expect(policies).toEqual([])
    expect(faults.map(({ rule }) => rule).join()).toMatch(rule)
    expect(faults.every(({ where }) => /^bad\.yaml:\d+:\d+ /.test(where))).toBe(true)
    expect(faults.map(({ where }) => where.split(' ')[1])).toContain(field)
  })
})

describe('roles in a circle', () => {
  it('are refused with the way round, and nothing is stored', async () => {
    const command = (name: string, payload: object) => ask(admin, { command: name, payload })
    await command('role.create', { name: 'inner', policies: [] })
    await command('role.create', { name: 'outer', policies: [], roles: ['inner'] })
    const before = await lastSequence()
    const { status, error } = await command('role.update', { role: 'inner', policies: [], roles: ['outer'] })
    expect([status, error.faults.map(({ where }) => where)]).toEqual([400, ['roles[0]']])
    expect(error.faults[0]?.rule).toContain('→')
    expect(await lastSequence()).toBe(before)
  })
})
