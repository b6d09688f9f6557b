import { afterAll, beforeAll, expect, it } from 'vitest'
import { EventRecorder } from '../../src/nats/event-recorder.ts'
import { sessionId } from '../../src/sessions/session.ts'
import { auditOf, insideAuth, type Heard } from '../admin/bus.ts'
import { eventFaults } from '../support/events.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { aSession } from './sessions.ts'

const ENDS = 400
const DEPARTURE = { reason: 'Client Closed', at: '2027-01-31T12:00:01.000Z' }

let world: World
let audit: readonly Heard[]
beforeAll(async () => {
  world = await openWorld()
  audit = await auditOf(world)
})
afterAll(() => world[Symbol.asyncDispose]())

/** Two replicas that both tell of all ends, and what of that is in the stream. */
async function told(sample: number | undefined, server: string): Promise<readonly Heard[]> {
  const nc = await insideAuth(world)
  const { nextId, now, version } = world.gatehouse.admin
  const lost: unknown[] = []
  const onLost = (error: unknown): void => void lost.push(error)
  for (const replica of ['first', 'second']) {
    await using recorder = new EventRecorder(nc, {
      ...{ nextId, now, version, sample, onLost },
      continued: () => undefined,
      environment: replica,
    })
    for (let cid = 0; cid < ENDS; cid += 1)
      recorder.ended(aSession({ server, cid, user: `user-${cid}`, decision: `U${server}${cid}` }), DEPARTURE)
  }
  const ofServer = () =>
    audit.filter(({ event }) => String(event.data['decisionId']).startsWith(`U${server}`))
  const last = aSession({ server, cid: ENDS, decision: `U${server}last` })
  await using recorder = new EventRecorder(nc, { nextId, now, version, onLost, continued: () => undefined })
  recorder.ended(last, DEPARTURE)
  await eventually(() => ofServer().some(({ event }) => event.metadata['correlationId'] === last.decision))
  expect(lost).toEqual([])
  expect(sessionId(last)).toContain(server)
  return ofServer().filter(({ event }) => event.metadata['correlationId'] !== last.decision)
}

it('tells of every end once, though two replicas tell of it', async () => {
  const events = await told(undefined, 'NA')
  expect(events).toHaveLength(ENDS)
  expect(new Set(events.map(({ event }) => event.metadata['id'])).size).toBe(ENDS)
})

it('tells of a part of the sessions, every replica of the same', async () => {
  const events = await told(0.25, 'NB')
  expect(events.length).toBeGreaterThan(ENDS / 8)
  expect(events.length).toBeLessThan(ENDS / 2)
  expect(new Set(events.map(({ event }) => event.data['decisionId'])).size).toBe(events.length)
  expect(events.every(({ event }) => event.metadata['sample'] === 0.25)).toBe(true)
  expect(events.flatMap(({ event }) => eventFaults(event))).toEqual([])
})
