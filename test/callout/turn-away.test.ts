import { afterAll, beforeAll, expect, it } from 'vitest'
import { isTurnedAway } from '../../src/callout/turn-away.ts'
import { DENY_REASONS, Denial, type DenyReason } from '../../src/callout/reason.ts'
import { GatehouseError } from '../../src/errors.ts'
import type { Kicking } from '../../src/sessions/kicking.ts'
import type { Connection } from '../../src/sessions/session.ts'
import type { Gate } from '../support/requests.ts'
import { openGateFor, storedPeople, tokens } from './people.ts'

let gate: Gate
beforeAll(async () => {
  gate = await openGateFor(await storedPeople())
})
afterAll(() => gate[Symbol.asyncDispose]())

const CROWDED = 'somebody who is connected already'
const ask = (who: string, kicking: Kicking) =>
  gate.outcome(gate.server.ask({ connect: { auth_token: tokens[who]! }, client: { id: 77 } }), { kicking })

it('closes the connection in place of an answer where a refusal will pass', async () => {
  const kicked: Connection[] = []
  const kick = (connection: Connection) => {
    kicked.push(connection)
    return Promise.resolve('kicked' as const)
  }
  const { counted, answer } = await ask(CROWDED, { kick })
  expect([counted, answer]).toEqual([['denied too_many_sessions'], undefined])
  expect(kicked).toEqual([{ server: gate.server.id, cid: 77 }])

  const locked = await ask('somebody who is locked', { kick })
  expect(locked.answer?.nats.error).toBe('user_locked')
  expect((await ask('alice', { kick })).counted).toEqual(['admitted'])
  expect(kicked).toHaveLength(1)
})

it.each<[string, Kicking['kick']]>([
  ['is not there', () => Promise.resolve('gone')],
  ['cannot be reached', () => Promise.reject(new GatehouseError('unavailable', 'no server answers'))],
])('answers as ever where the connection %s', async (_, kick) => {
  const { counted, answer } = await ask(CROWDED, { kick })
  expect([counted, answer?.nats.error]).toEqual([['denied too_many_sessions'], 'too_many_sessions'])
})

it('turns away for nothing that somebody did wrong', async () => {
  const request = { claims: gate.server.claims(), replyTo: undefined } as unknown as Parameters<
    typeof isTurnedAway
  >[1]
  const kicking = { kick: () => Promise.resolve('kicked' as const) }
  const passing: DenyReason[] = []
  for (const reason of DENY_REASONS)
    if (await isTurnedAway(new Denial(reason), request, kicking)) passing.push(reason)
  expect(passing.sort()).toEqual([
    'hashing_busy',
    'key_missing',
    'sessions_unknown',
    'store_unavailable',
    'too_many_sessions',
  ])
})
