import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answer } from '../src/callout/callout.ts'
import { createTelemetry, type Telemetry } from '../src/telemetry.ts'
import { openGateFor, storedPeople, tokens } from './callout/people.ts'
import type { Gate } from './support/requests.ts'

let gate: Gate
beforeAll(async () => {
  gate = await openGateFor(await storedPeople())
})
afterAll(() => gate[Symbol.asyncDispose]())

const full = (): never => {
  throw new Error('ENOSPC: no space left on device, write')
}

async function untold({ metrics }: Telemetry): Promise<number | undefined> {
  const metric = await metrics.getSingleMetric('gatehouse_telemetry_failures_total')?.get()
  return metric?.values[0]?.value
}

describe('telemetry', () => {
  it.each([
    ['log', createTelemetry(pino({}, { write: full }), () => undefined)],
    ['terminal', createTelemetry(pino({}, { write: () => undefined }), full)],
  ])('lets people in and keeps them out though its %s fails, and counts that', async (_, telemetry) => {
    const { callout, server } = gate
    const deaf = { ...callout, observer: telemetry }
    const admitted = await answer(deaf, server.ask({ connect: { auth_token: tokens['alice']! } }))
    const denied = await answer(deaf, server.ask({ connect: { auth_token: 'guess' } }))
    expect(server.read(admitted!).nats.jwt).toBeDefined()
    expect(server.read(denied!).nats.error).toBeDefined()
    expect(await untold(telemetry)).toBe(2)
  })

  it('never throws, whatever it is told', async () => {
    const telemetry = createTelemetry(pino({}, { write: full }), full)
    telemetry.failed(new Error('ours'), 'callout')
    telemetry.commandDone('user.create', 'ok')
    telemetry.serverConnected('nats://127.0.0.1:4222')
    telemetry.serverDisconnected()
    telemetry.overloaded()
    expect(await untold(telemetry)).toBe(4)
  })

  it('keeps little of what anybody may say of itself without a credential', async () => {
    const lines: string[] = []
    const log = pino({}, { write: (line: string) => void lines.push(line) })
    const observer = createTelemetry(log, ({ text }) => void lines.push(text))
    const client = { name: 'x'.repeat(15_000), user: 'y'.repeat(15_000) }
    const connect = { auth_token: 'z'.repeat(400), user: 'u'.repeat(5_000), name: 'n'.repeat(5_000) }
    await answer({ ...gate.callout, observer }, gate.server.ask({ client, connect }))
    expect(lines.join()).toContain('x'.repeat(64))
    expect(lines.join().length).toBeLessThan(1_000)
  })
})
