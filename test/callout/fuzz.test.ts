import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answer } from '../../src/callout/callout.ts'
import type { Incoming } from '../../src/callout/open.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { buildUser } from '../../src/jwt/user.ts'
import { encode, parse } from '../../src/jwt/token.ts'
import { createToken } from '../../src/keys/token.ts'
import { counted } from '../support/counts.ts'
import { NOW_SECONDS, type Gate } from '../support/requests.ts'
import { aThrottle } from '../support/throttles.ts'
import { device, keys, openGateFor, storedPeople, tokens } from './people.ts'

/** Ten thousand cases in all. */
const RUNS = { bytes: 2_500, mutated: 4_000, resigned: 3_500, creds: 2_000 }

let gates: readonly Gate[]

beforeAll(async () => {
  const records = await storedPeople()
  const throttle = aThrottle({ sourceFailures: Infinity }) // Every refusal is answered.
  gates = [await openGateFor(records), await openGateFor(records, { xkey: 'off' })].map((gate) => ({
    ...gate,
    callout: { ...gate.callout, throttle },
  }))
})
afterAll(async () => {
  for (const gate of gates) await gate[Symbol.asyncDispose]()
})

/** Where a request can be spoilt: the box, the token in it, what the token claims, who signed it. */
const LAYERS = ['box', 'token', 'claims', 'signature'] as const

/** Whether the service has an xkey or not. */
const eitherGate = fc.nat(1).map((i) => () => gates[i]!)
const seen = new Map<string, number>()

/** Answers; nothing is thrown, nobody is let in, and one thing is counted: a drop, or a denial that is answered. */
async function survives(gate: Gate, incoming: Incoming): Promise<void> {
  const before = await gate.counts()
  const bytes = await answer(gate.callout, incoming)
  const [outcome = 'nothing', ...more] = counted(before, await gate.counts())
  seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
  expect(more).toEqual([])
  expect(outcome).toMatch(/^(?:dropped|denied) /)
  expect(bytes !== undefined).toBe(outcome.startsWith('denied'))
  if (bytes !== undefined) expect(gate.server.read(bytes).nats).not.toHaveProperty('jwt')
}

/** Ways to spoil bytes. By chance they may leave them as they were. */
type Spoil = (bytes: Uint8Array) => Uint8Array
const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const position = (bytes: Uint8Array, where: number): number => Math.floor(where * bytes.length)
const flips = fc.uniqueArray(fc.tuple(at, fc.nat(7)), {
  minLength: 1,
  maxLength: 4,
  selector: ([where]) => where,
})
const some = fc.uint8Array({ minLength: 1, maxLength: 40 })
const spoil: fc.Arbitrary<Spoil> = fc.oneof(
  flips.map((all) => (bytes: Uint8Array) => {
    const spoilt = Uint8Array.from(bytes)
    for (const [where, bit] of all) spoilt[position(bytes, where)]! ^= 1 << bit
    return spoilt
  }),
  at.map((where) => (bytes: Uint8Array) => bytes.slice(0, position(bytes, where))),
  at.map((where) => (bytes: Uint8Array) => bytes.slice(position(bytes, where) + 1)),
  fc.tuple(at, some).map(([where, more]) => (bytes: Uint8Array) => {
    const i = position(bytes, where)
    return Buffer.concat([bytes.subarray(0, i), more, bytes.subarray(i)])
  }),
  fc.tuple(at, some).map(([where, other]) => (bytes: Uint8Array) => {
    const spoilt = Uint8Array.from(bytes)
    spoilt.set(other.subarray(0, bytes.length - position(bytes, where)), position(bytes, where))
    return spoilt
  }),
  fc.tuple(at, at).map(([from, to]) => (bytes: Uint8Array) => {
    const [i, j] = [position(bytes, from), position(bytes, to)]
    return Buffer.concat([bytes.subarray(0, i), bytes.subarray(j), bytes.subarray(0, 1)])
  }),
)

/** A token that nobody has: whatever else is changed, this is nobody. */
const stranger = createToken()

type Json = Record<string, unknown>
const FIELDS = [
  ...['aud', 'sub', 'iss', 'jti', 'exp', 'nbf', 'iat', 'name', 'nats', 'type'].map((field) => [field]),
  ...['server_id', 'user_nkey', 'client_info', 'connect_opts', 'client_tls', 'type', 'version'].map(
    (field) => ['nats', field],
  ),
  ...['id', 'name', 'xkey', 'tags'].map((field) => ['nats', 'server_id', field]),
  ...['host', 'id', 'kind', 'type', 'nonce', 'mqtt_id', 'user'].map((field) => [
    'nats',
    'client_info',
    field,
  ]),
  ...['auth_token', 'user', 'nkey', 'sig', 'jwt', 'protocol'].map((field) => ['nats', 'connect_opts', field]),
]
const strings = fc.oneof(
  fc.constantFrom('', '__proto__', '\ud800', '10.1.2.3', 'mqtt', 'Leafnode', 'nats', stranger),
  fc.constantFrom('user', 'account', 'server', 'curve').map((kind) => createKeyPair(kind).publicKey),
  fc.string({ unit: 'binary', maxLength: 80 }),
)
const numbers = fc.oneof(fc.constantFrom(0, -1, 1e308, NOW_SECONDS - 60, NOW_SECONDS + 60), fc.double())
const values = fc.record({ string: strings, number: numbers, any: fc.jsonValue({ maxDepth: 2 }) })

/** Puts something of the same type in the place of one field, or anything at all, or takes the field away. */
const change = fc
  .tuple(fc.constantFrom(...FIELDS), values, fc.constantFrom('same type', 'same type', 'any', 'absent'))
  .map(([path, value, how]) => (claims: Json): void => {
    const field = path.at(-1)!
    let within: unknown = claims
    for (const name of path.slice(0, -1)) within = (within as Json | null)?.[name]
    if (typeof within !== 'object' || within === null) return
    const now = (within as Json)[field]
    const like = typeof now === 'number' ? value.number : typeof now === 'object' ? now : value.string
    if (how === 'absent') Reflect.deleteProperty(within, field)
    else (within as Json)[field] = how === 'any' ? value.any : like
  })
const changes = fc.array(change, { minLength: 1, maxLength: 3 })

function changed(claims: Buffer, changing: readonly ((claims: Json) => void)[]): Buffer {
  const said = JSON.parse(claims.toString()) as Json
  for (const each of changing) each(said)
  return Buffer.from(JSON.stringify(said))
}

const encoded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const decoded = (part: string): Buffer => Buffer.from(part, 'base64url')

/** A token of whatever is claimed, in the name of the server unless the claims say otherwise, signed by the server. */
function signed({ server }: Gate, claims: Buffer): string {
  const said = { iss: server.id, jti: 'x', ...(JSON.parse(claims.toString()) as Json) }
  const parts = [{ typ: 'JWT', alg: 'ed25519-nkey' }, said]
  const content = parts.map((part) => encoded(Buffer.from(JSON.stringify(part)))).join('.')
  return `${content}.${encoded(server.signer.sign(Buffer.from(content)))}`
}

describe('the callout survives', () => {
  it('random bytes, boxed and not', async () => {
    const bytes = fc.uint8Array({ maxLength: 600 })
    const keys = fc.constantFrom('', 'X', createKeyPair('curve').publicKey, createKeyPair('user').publicKey)
    const wrapping = fc.oneof(
      fc.constant('boxed' as const),
      fc.option(keys, { nil: undefined }).map((key) => ({ key })),
    )
    await fc.assert(
      fc.asyncProperty(eitherGate, bytes, wrapping, async (gateOf, data, how) => {
        const gate = gateOf()
        await survives(gate, how === 'boxed' ? gate.server.wrap(data) : { data, serverXkey: how.key })
      }),
      { numRuns: RUNS.bytes },
    )
  })

  it.each(LAYERS)('real requests of alice, spoilt at the layer of %s', async (layer) => {
    await fc.assert(
      fc.asyncProperty(eitherGate, spoil, changes, async (gateOf, spoiling, changing) => {
        const gate = gateOf()
        const token = gate.server.token({ connect: { auth_token: tokens['alice']! } })
        const [header = '', claims = '', signature = ''] = token.split('.')
        const whole = gate.server.wrap(Buffer.from(token))
        const spoilt = {
          box: () => spoiling(whole.data),
          token: () => spoiling(Buffer.from(token)),
          claims: () =>
            Buffer.from([header, encoded(changed(decoded(claims), changing)), signature].join('.')),
          signature: () => Buffer.from([header, claims, encoded(spoiling(decoded(signature)))].join('.')),
        }[layer]()
        fc.pre(!Buffer.from(layer === 'box' ? whole.data : token).equals(spoilt))
        await survives(gate, layer === 'box' ? { ...whole, data: spoilt } : gate.server.wrap(spoilt))
      }),
      { numRuns: RUNS.mutated / LAYERS.length },
    )
  })

  it('requests of nobody with their claims spoilt and signed again by the right key', async () => {
    await fc.assert(
      fc.asyncProperty(eitherGate, changes, async (gateOf, changing) => {
        const gate = gateOf()
        const claims = Buffer.from(JSON.stringify(gate.server.claims({ connect: { auth_token: stranger } })))
        await survives(gate, gate.server.wrap(Buffer.from(signed(gate, changed(claims, changing)))))
      }),
      { numRuns: RUNS.resigned },
    )
  })

  it('creds of alice with their JWT, nonce or signature spoilt, in a request that is signed', async () => {
    const jwt = encode(
      buildUser({ publicKey: device.publicKey, name: 'alice', issuedAt: 1 }, {}),
      keys.ORDERS,
    )
    const nonce = 'n0nce'
    const sig = encoded(device.sign(Buffer.from(nonce)))
    const whole = { jwt, nonce, sig }
    const ask = (gate: Gate, { nonce, ...connect }: typeof whole) =>
      gate.outcome(gate.server.ask({ connect, client: { nonce } }))
    for (const gate of gates) expect((await ask(gate, whole)).answer?.nats.jwt).toBeDefined()

    const part = fc.constantFrom('jwt' as const, 'nonce' as const, 'sig' as const)
    await fc.assert(
      fc.asyncProperty(eitherGate, part, spoil, async (gateOf, part, spoiling) => {
        const text = Buffer.from(spoiling(Buffer.from(whole[part]))).toString()
        fc.pre(text !== whole[part])
        const { answer, counted } = await ask(gateOf(), { ...whole, [part]: text })
        expect(counted).toHaveLength(1)
        if (answer?.nats.jwt === undefined) return
        // Who is let in has signed this nonce with the key that the JWT names, whatever else that says.
        if (part === 'jwt') expect(parse(text).decoded.claims.sub).toBe(device.publicKey)
        else expect([part, decoded(text)]).toEqual(['sig', decoded(sig)])
      }),
      { numRuns: RUNS.creds },
    )
  })

  it('and has looked behind more than the first door', () => {
    const often = [...seen].filter(([, n]) => n >= 5).map(([outcome]) => outcome)
    expect(often).toEqual(
      expect.arrayContaining([
        'dropped plaintext',
        'dropped unopenable',
        'dropped malformed',
        'dropped untrusted_signature',
        'dropped wrong_audience',
        'dropped expired',
        'denied unknown_credential',
        'denied no_credential',
      ]),
    )
    expect([...seen.values()].reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(10_000)
  })
})
