import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Incoming } from '../../src/callout/open.ts'
import type { DropReason } from '../../src/callout/reason.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { signerOf } from '../../src/keys/signer.ts'
import { askingServer, NOW_MS, NOW_SECONDS, type Gate } from '../support/requests.ts'
import { openGateFor, storedPeople, tokens } from './people.ts'

let gates: Readonly<Record<'on' | 'off', Gate>>

beforeAll(async () => {
  const records = await storedPeople()
  gates = {
    on: await openGateFor(records, { xkey: 'on' }),
    off: await openGateFor(records, { xkey: 'off', signing: 'root' }),
  }
})
afterAll(async () => {
  for (const gate of Object.values(gates)) await gate[Symbol.asyncDispose]()
})

const alice = { connect: { auth_token: tokens['alice']! } }
/** Everything about these requests is as it should be, down to alice's token, but for the one fault. */
type Fault = (gate: Gate) => Incoming

const boxes: [reason: DropReason, what: string, fault: Fault][] = [
  [
    'plaintext',
    'not boxed',
    ({ server }) => ({ data: Buffer.from(server.token(alice)), serverXkey: undefined }),
  ],
  ['plaintext', 'boxed by nobody', ({ server }) => ({ ...server.ask(alice), serverXkey: undefined })],
  [
    'unopenable',
    'said to be boxed',
    ({ server }) => ({ ...server.ask(alice), data: Buffer.from(server.token(alice)) }),
  ],
  ['unopenable', 'a box cut short', ({ server }) => cut(server.ask(alice), -1)],
  ['unopenable', 'the first bytes of a box', ({ server }) => cut(server.ask(alice), 40)],
  ['unopenable', 'a box with a bit flipped', ({ server }) => flipped(server.ask(alice), 100)],
  [
    'unopenable',
    'a box of another server',
    ({ server, trust }) => boxedBy(otherServer({ trust }), server.token(alice)),
  ],
]

const contents: [reason: DropReason, what: string, fault: Fault][] = [
  [
    'oversized',
    'larger than any',
    ({ server }) => server.ask({ connect: { ...alice.connect, name: 'x'.repeat(200_000) } }),
  ],
  ['malformed', 'empty', ({ server }) => server.wrap(Buffer.from('.'))],
  ['malformed', 'cut short', ({ server }) => server.wrap(Buffer.from(server.token(alice).slice(0, -100)))],
  [
    'malformed',
    'without its end',
    ({ server }) => server.wrap(Buffer.from(server.token(alice).split('.', 2).join('.'))),
  ],
  ['malformed', 'twice', ({ server }) => server.wrap(Buffer.from(server.token(alice).repeat(2)))],
  ['malformed', 'not of this world', ({ server }) => server.wrap(Buffer.from([0, 255, 254, 0xd8, 0]))],
  [
    'malformed',
    'of another server than signed',
    ({ server }) => server.ask({ ...alice, signer: strangerSigner }),
  ],
  ['malformed', 'about no user', ({ server }) => server.ask({ ...alice, nats: { user_nkey: server.id } })],
  ['untrusted_signature', 'signed by another server', (gate) => gate.server.wrap(Buffer.from(forged(gate)))],
  ['untrusted_server', 'of an unknown server', (gate) => otherServer(gate).ask(alice)],
  [
    'wrong_audience',
    'for another audience',
    ({ server }) => server.ask({ ...alice, claims: { aud: 'nats' } }),
  ],
  [
    'wrong_account',
    'for another account',
    (gate) => gate.server.ask({ ...alice, claims: { sub: gate.trust.chain.admin } }),
  ],
  ['expired', 'over', ({ server }) => server.ask({ ...alice, claims: { exp: NOW_SECONDS - 1 } })],
  ['expired', 'without an end', ({ server }) => server.ask({ ...alice, claims: { exp: 0 } })],
]

describe.each(['on', 'off'] as const)('with xkey %s, a request', (xkey) => {
  it('without fault is answered', async () => {
    const { counted, answer } = await gates[xkey].outcome(gates[xkey].server.ask(alice))
    expect(counted).toEqual(['admitted'])
    expect(answer?.nats.jwt).toBeDefined()
  })

  it.each(xkey === 'on' ? [...boxes, ...contents] : contents)(
    'is dropped as %s when it is %s',
    async (reason, _, fault) => {
      const gate = gates[xkey]
      expect(await gate.outcome(fault(gate))).toEqual({ counted: [`dropped ${reason}`], answer: undefined })
    },
  )

  it('is answered once: the same bytes again are dropped as replayed', async () => {
    const gate = gates[xkey]
    const request = gate.server.ask(alice)
    expect((await gate.outcome(request)).counted).toEqual(['admitted'])
    for (let i = 0; i < 3; i += 1) expect((await gate.outcome(request)).counted).toEqual(['dropped replayed'])
    const later = { nowMs: () => NOW_MS + 120_000 }
    expect((await gate.outcome(request, later)).counted, 'long forgotten').toEqual(['dropped expired'])
  })

  it('that was refused is answered once, too', async () => {
    const gate = gates[xkey]
    const request = gate.server.ask()
    expect((await gate.outcome(request)).counted).toEqual(['denied no_credential'])
    expect((await gate.outcome(request)).counted).toEqual(['dropped replayed'])
  })

  it('is answered once though it comes many times at once', async () => {
    const gate = gates[xkey]
    const request = gate.server.ask(alice)
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, async () => (await gate.outcome(request)).answer),
    )
    expect(outcomes.filter((answer) => answer !== undefined)).toHaveLength(1)
  })
})

it('a box that comes while we have no xkey is dropped as unopenable', async () => {
  expect((await gates.off.outcome(gates.on.server.ask(alice))).counted).toEqual(['dropped unopenable'])
})

it('an answer is for the server that asked, signed by the callout account or a key of it', async () => {
  const boxed = await gates.on.outcome(gates.on.server.ask(alice))
  const { server, trust } = gates.on
  expect(boxed.answer).toMatchObject({ aud: server.id, iss: trust.calloutSigner.publicKey })
  const plain = await gates.off.outcome(gates.off.server.ask(alice))
  expect(plain.answer).toMatchObject({ aud: gates.off.server.id, iss: gates.off.trust.chain.callout })
})

const strangerSigner = signerOf(createKeyPair('server'))

function otherServer({ trust }: Pick<Gate, 'trust'>) {
  const { callout: account, xkey } = trust.chain
  return askingServer({ account, ...(xkey !== undefined && { xkey }) })
}

/** Boxed by another curve key than the one that the signed request names. */
function boxedBy(server: ReturnType<typeof otherServer>, token: string): Incoming {
  return server.wrap(Buffer.from(token))
}

/** The request in the words of our server, under the signature of another. */
function forged({ server }: Gate): string {
  const [header = '', claims = ''] = server.token(alice).split('.')
  const content = `${header}.${claims}`
  return `${content}.${Buffer.from(strangerSigner.sign(Buffer.from(content))).toString('base64url')}`
}

function cut({ data, serverXkey }: Incoming, at: number): Incoming {
  return { data: data.subarray(0, at), serverXkey }
}

function flipped({ data, serverXkey }: Incoming, at: number): Incoming {
  return { data: data.map((byte, i) => (i === at ? byte ^ 1 : byte)), serverXkey }
}
