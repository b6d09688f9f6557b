import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answer } from '../../src/callout/callout.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { signerOf } from '../../src/keys/signer.ts'
import { createToken } from '../../src/keys/token.ts'
import { OUTCOMES } from '../support/counts.ts'
import type { Gate } from '../support/requests.ts'
import { device, openGateFor, PASSWORD, storedPeople, tokens } from './people.ts'

let gate: Gate
beforeAll(async () => {
  gate = await openGateFor(await storedPeople())
})
afterAll(() => gate[Symbol.asyncDispose]())

async function decisions(): Promise<Map<string, number>> {
  const metric = await gate.telemetry.metrics.getSingleMetric('gatehouse_decisions_total')?.get()
  return new Map(
    metric?.values.map(({ labels, value }) => [`${labels['outcome']!} ${labels['reason']!}`.trim(), value]),
  )
}

/** What clients and servers of every kind of outcome say that nobody else may hear. */
const wrong = { token: createToken(), password: 'correct house' }
const nonce = 'n0nce'
const sig = Buffer.from(device.sign(Buffer.from(nonce))).toString('base64url')
const jwt = 'eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.e30.c2VudGluZWw'

async function everything(): Promise<void> {
  const { server, callout } = gate
  const connects = [
    ...Object.values(tokens).map((token) => ({ auth_token: token, jwt })),
    { auth_token: wrong.token },
    { auth_token: wrong.password },
    { user: 'alice', pass: PASSWORD },
    { user: 'alice', pass: wrong.password },
    { user: 'eve', pass: wrong.password },
    { user: 'alice', pass: wrong.token, auth_token: wrong.token },
    { nkey: device.publicKey, sig },
    {},
  ]
  const client = { nonce, user: tokens['alice']! } // Before 2.10.28 the raw token comes here (reference A.5).
  for (const connect of connects) await answer(callout, server.ask({ connect, client }))
  const stranger = signerOf(createKeyPair('server'))
  await answer(callout, server.ask({ connect: connects[0]!, signer: stranger }))
  await answer(callout, server.ask({ connect: connects[0]!, claims: { exp: 1 } }))
  await answer(callout, { data: Buffer.from(server.token({ connect: connects[0]! })), serverXkey: undefined })
  await answer({ ...callout, nowMs: Date.now }, server.wrap(Buffer.from(tokens['alice']!)))
}

describe('what is told of decisions', () => {
  it('begins with a zero for every outcome and reason', async () => {
    expect(await decisions()).toEqual(new Map(OUTCOMES.map((outcome) => [outcome, 0])))
  })

  it('counts each, with no other label and no other value than there were', async () => {
    await everything()
    gate.telemetry.overloaded()
    gate.telemetry.failed(new TypeError('ours'), 'callout')
    const counts = await decisions()
    expect([...counts.keys()].sort()).toEqual([...OUTCOMES].sort())
    expect(counts.get('admitted')).toBeGreaterThan(3)
    expect(counts.get('denied wrong_password')).toBe(1)
    expect(counts.get('dropped malformed')).toBe(2)
    expect([counts.get('dropped overloaded'), counts.get('dropped internal_error')]).toEqual([1, 1])

    const latency = await gate.telemetry.metrics.getSingleMetric('gatehouse_decision_seconds')?.get()
    const outcomes = new Set(latency?.values.map(({ labels }) => labels['outcome']))
    expect([...outcomes].sort()).toEqual(['admitted', 'denied', 'dropped'])
    const labels = new Set(latency?.values.flatMap((each) => Object.keys(each.labels)))
    expect([...labels].sort()).toEqual(['le', 'outcome'])
  })

  it('says in the log who, whence and why', () => {
    const log = gate.lines.join('\n')
    for (const said of [
      '"user":"alice"',
      '"account":"ORDERS"',
      '"source":"10.1.2.3"',
      '"reason":"wrong_password"',
    ])
      expect(log).toContain(said)
    expect(log).toContain('"reason":"malformed"')
    expect(gate.lines).toContain('alice in ORDERS, nats from 10.1.2.3')
    expect(gate.lines).toContain('nats from 10.1.2.3: unknown_credential')
  })

  it('says no secret, in the log or in the metrics', async () => {
    const told = [...gate.lines, await gate.telemetry.metrics.metrics()].join('\n')
    const secrets = [...Object.values(tokens), wrong.token, wrong.password, PASSWORD, sig, jwt, nonce]
    expect(secrets.filter((secret) => told.includes(secret))).toEqual([])
    // Nor anything that looks like one: a token, a JWT, a seed, a password hash.
    expect(told).not.toMatch(/gh_[\w-]{20}|eyJ|\bS[OAUNCX][A-Z2-7]{56}\b|\$argon2/)
  })
})
