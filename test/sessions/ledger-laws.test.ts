import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Ledger } from '../../src/sessions/ledger.ts'
import { sessionId, sessionKey, type Session, type SessionId } from '../../src/sessions/session.ts'
import { aSession, anArrival } from './sessions.ts'

const DEPARTURE = { reason: 'Client Closed', at: '2027-01-31T12:00:01.000Z' }

/** Two replicas, a bucket between them whose messages arrive late, and servers that tell both of everything. */
class Small {
  nowMs = Date.parse('2027-01-31T12:00:00Z')
  readonly told: string[] = []
  readonly ends: string[][] = [[], []]
  readonly stored = new Map<string, Session | undefined>()
  /** What is on its way to each replica. */
  readonly #late: (() => void)[][] = [[], []]
  readonly ledgers: readonly Ledger[]

  constructor(ownerOf: (id: SessionId) => number) {
    this.ledgers = [0, 1].map((self) => {
      const ledger = new Ledger({
        shelf: {
          put: (session) => this.#store(session, session),
          remove: (session) => this.#store(session, undefined),
        },
        owns: (id) => ownerOf(id) === self,
        nowMs: () => this.nowMs,
      })
      ledger.onTold((session) => this.told.push(sessionId(session)))
      ledger.onEnd((session) => this.ends[self]!.push(sessionId(session)))
      return ledger
    })
  }

  /** Delivers what is on its way to that replica, up to so many. */
  deliver(replica: number, count = Infinity): void {
    for (let n = 0; n < count; n += 1) {
      const next = this.#late[replica]!.shift()
      if (next === undefined) return
      next()
    }
  }

  tick(ms: number): void {
    this.nowMs += ms
    for (const ledger of this.ledgers) ledger.tick()
  }

  #store(session: Session, value: Session | undefined): void {
    this.stored.set(sessionKey(session), value)
    for (const [replica, ledger] of this.ledgers.entries()) {
      this.#late[replica]!.push(() => {
        if (value === undefined) ledger.erased(sessionId(session))
        else ledger.stored(value, 'now')
      })
    }
  }
}

type Step =
  | { readonly kind: 'record' | 'connect' | 'disconnect' | 'deliver'; readonly replica: number }
  | { readonly kind: 'tick'; readonly replica: number; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('deliver' as const), replica: fc.nat(1) }),
  fc.record({
    kind: fc.constant('tick' as const),
    replica: fc.nat(1),
    ms: fc.integer({ min: 1, max: 5_000 }),
  }),
)

/** The record comes once, the server tells each replica of both, with anything in between. */
const life = fc
  .tuple(fc.nat(1), fc.nat(1), fc.array(step, { maxLength: 12 }), fc.boolean())
  .chain(([recorder, owner, others, isConnectTold]) => {
    const own: Step[] = [
      { kind: 'record', replica: recorder },
      ...[0, 1].flatMap((replica): Step[] => [
        ...(isConnectTold ? [{ kind: 'connect' as const, replica }] : []),
        { kind: 'disconnect', replica },
      ]),
    ]
    return fc.record({
      owner: fc.constant(owner),
      steps: fc.shuffledSubarray([...own, ...others], { minLength: own.length + others.length }),
    })
  })

describe('the ledger, whatever the order in which things come', () => {
  it('keeps no ghost, and tells of an end once on the replica that it falls to', () => {
    fc.assert(
      fc.property(life, ({ owner, steps }) => {
        const small = new Small(() => owner)
        const session = aSession({ since: new Date(small.nowMs).toISOString() })
        for (const each of steps) {
          const ledger = small.ledgers[each.replica]!
          if (each.kind === 'record') ledger.record(session)
          if (each.kind === 'connect') ledger.connected(anArrival(session))
          if (each.kind === 'disconnect') ledger.disconnected(session, DEPARTURE)
          if (each.kind === 'deliver') small.deliver(each.replica, 1)
          if (each.kind === 'tick') small.tick(each.ms)
        }
        for (let n = 0; n < 4; n += 1) {
          small.deliver(0)
          small.deliver(1)
          small.tick(11_000)
        }
        for (const { open } of small.ledgers) expect([...open]).toEqual([])
        expect([...small.stored.values()].every((value) => value === undefined)).toBe(true)
        expect(new Set(small.told)).toEqual(new Set([sessionId(session)]))
        for (const ends of small.ends) expect(ends.length).toBeLessThanOrEqual(1)
        expect(small.ends.flat().length).toBeGreaterThan(0)
      }),
      { numRuns: 2_000 },
    )
  })

  it('keeps what is there', () => {
    fc.assert(
      fc.property(fc.nat(1), fc.nat(1), fc.array(step), (recorder, owner, steps) => {
        const small = new Small(() => owner)
        const session = aSession({ since: new Date(small.nowMs).toISOString() })
        small.ledgers[recorder]!.record(session)
        for (const each of steps) {
          if (each.kind === 'tick') small.tick(each.ms)
          else small.deliver(each.replica, 1)
        }
        for (const replica of [0, 1]) small.deliver(replica)
        for (const { open } of small.ledgers) expect([...open]).toEqual([session])
        expect(small.told).toEqual([])
      }),
    )
  })
})
