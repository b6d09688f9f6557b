import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { limitsBeyond, mergeLimits, type MergedLimits } from '../../src/domain/limits.ts'
import { CONNECTION_TYPES, type PolicyLimits } from '../../src/domain/policy.ts'
import { DAYS, openUntil, type Window } from '../../src/domain/window.ts'

/** Few and near each other, so that they nest, and so that addresses fall into them. */
const ipv4 = fc
  .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 24, max: 32 }))
  .map(([host, bits]) => `10.0.0.${bits === 32 ? host : (host >> (32 - bits)) << (32 - bits)}/${bits}`)
const ipv6 = fc
  .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 120, max: 128 }))
  .map(([host, bits]) => `fd00::${(((host >> (128 - bits)) << (128 - bits)) & 255).toString(16)}/${bits}`)
const network = fc.oneof(
  ipv4,
  ipv6,
  fc.constantFrom('0.0.0.0/0', '::/0', '::ffff:10.0.0.0/124', '::ffff:0:0/96'),
)
const sources = fc.array(network, { minLength: 1, maxLength: 5 })
const address = fc
  .tuple(fc.constantFrom('10.0.0.', 'fd00::'), fc.integer({ min: 0, max: 16 }))
  .map(([network, host]) => `${network}${network.includes(':') ? host.toString(16) : host}`)

const window: fc.Arbitrary<Window> = fc
  .record({
    zone: fc.constantFrom('UTC', 'Europe/Berlin'),
    start: fc.constantFrom('00:00', '08:00', '12:00:00', '18:00'),
    end: fc.constantFrom('06:00', '12:00', '18:00:00', '22:00'),
    days: fc.option(fc.uniqueArray(fc.constantFrom(...DAYS), { minLength: 1 }), { nil: undefined }),
  })
  .filter(({ start, end }) => start.slice(0, 5) !== end.slice(0, 5))
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
const limits: fc.Arbitrary<PolicyLimits> = fc.record({
  lifetimeSeconds: maybe(fc.integer({ min: 1, max: 3 })),
  sources: maybe(sources),
  connectionTypes: maybe(fc.uniqueArray(fc.constantFrom(...CONNECTION_TYPES), { minLength: 1 })),
  windows: maybe(fc.array(window, { minLength: 1, maxLength: 2 })),
  sessions: maybe(fc.integer({ min: 1, max: 3 })),
  sessionsPerCredential: maybe(fc.integer({ min: 1, max: 3 })),
  keepSessions: maybe(fc.constantFrom('oldest', 'newest')),
})
const several = fc.array(limits, { maxLength: 4 })

/** By another way than ours: Node's. */
function admits(list: readonly string[] | undefined, client: string): boolean {
  if (list === undefined) return true
  const family = client.includes(':') ? 'ipv6' : 'ipv4'
  const networks = new BlockList()
  for (const each of list) {
    const [net = '', bits] = each
      .replace(/^::ffff:(10\.0\.0\.0|0:0)\//, (_, kept) => `v4 ${kept} `)
      .split('/')
    const mapped = /^v4 (\S+) (\d+)$/.exec(net)
    if (mapped !== null)
      networks.addSubnet(mapped[1] === '0:0' ? '0.0.0.0' : mapped[1]!, Number(mapped[2]) - 96)
    else if (net.includes(':') === (family === 'ipv6')) networks.addSubnet(net, Number(bits), family)
  }
  return networks.check(client, family)
}

describe('merged limits', () => {
  it('let an address in if and only if each of them does', () => {
    const found = new Set<boolean>()
    fc.assert(
      fc.property(several, address, (all, client) => {
        const isIn = all.every((each) => admits(each.sources, client))
        found.add(isIn)
        expect(admits(mergeLimits(all).sources, client)).toBe(isIn)
      }),
      { numRuns: 3_000 },
    )
    expect(found).toEqual(new Set([true, false]))
  })

  it('name each network once, and none that lies in another', () => {
    fc.assert(
      fc.property(several, (all) => {
        const { sources } = mergeLimits(all)
        expect(new Set(sources).size).toBe(sources?.length ?? 0)
        for (const each of sources ?? [])
          for (const other of sources ?? [])
            if (each !== other) expect(mergeLimits([{ sources: [each, other] }]).sources).toHaveLength(2)
      }),
    )
  })

  it('spell a network in one way', () => {
    const written = ['FD00:0:0:0:0:0:0:0/8', '10.0.0.0/8', '10.1.0.0/16', '::ffff:192.168.0.0/112']
    expect(mergeLimits([{ sources: written }]).sources).toEqual(['10.0.0.0/8', '192.168.0.0/16', 'fd00::/8'])
  })

  it('let nobody in where nothing is common', () => {
    expect(
      mergeLimits([
        { sources: ['10.0.0.0/8'], connectionTypes: ['STANDARD'] },
        { sources: ['::/0'], connectionTypes: ['WEBSOCKET'] },
      ]),
    ).toEqual({ sources: [], connectionTypes: [] })
  })

  it('let a kind of connection in if and only if each of them does', () => {
    fc.assert(
      fc.property(several, fc.constantFrom(...CONNECTION_TYPES), (all, type) => {
        const { connectionTypes } = mergeLimits(all)
        const isIn = all.every((each) => each.connectionTypes?.includes(type) ?? true)
        expect(connectionTypes?.includes(type) ?? true).toBe(isIn)
      }),
    )
  })

  it('are open if and only if each of them is, and take the strictest numbers', () => {
    fc.assert(
      fc.property(several, fc.integer({ min: 0, max: 14 * 86_400_000 }), (all, nowMs) => {
        const {
          windows = [],
          lifetimeSeconds,
          sessions,
          sessionsPerCredential,
          keepSessions,
        } = mergeLimits(all)
        const isOpen = (list: readonly Window[] | undefined): boolean =>
          list === undefined || openUntil(list, nowMs) !== undefined
        expect(windows.every(isOpen)).toBe(all.every((each) => isOpen(each.windows)))
        const least = (values: readonly (number | undefined)[]): number =>
          Math.min(...values.map((value) => value ?? Infinity))
        expect(lifetimeSeconds ?? Infinity).toBe(least(all.map((each) => each.lifetimeSeconds)))
        expect(sessions ?? Infinity).toBe(least(all.map((each) => each.sessions)))
        expect(sessionsPerCredential ?? Infinity).toBe(least(all.map((each) => each.sessionsPerCredential)))
        const words = all.flatMap(({ keepSessions: word }) => word ?? [])
        expect(keepSessions).toBe(words.includes('oldest') ? 'oldest' : words[0])
      }),
    )
  })

  it('are the same in whatever order, and however often each is named', () => {
    const sorted = ({ windows, connectionTypes, ...rest }: MergedLimits) => ({
      ...rest,
      windows: windows && new Set(windows),
      connectionTypes: connectionTypes && new Set(connectionTypes),
    })
    fc.assert(
      fc.property(several, (all) => {
        expect(sorted(mergeLimits([...all, ...all].reverse()))).toEqual(sorted(mergeLimits(all)))
      }),
    )
  })
})

describe('limits that go beyond others', () => {
  it('are those that let somebody in whom the others keep out', () => {
    const found = new Set<boolean>()
    fc.assert(
      fc.property(
        several,
        several,
        address,
        fc.integer({ min: 0, max: 14 * 86_400_000 }),
        (one, other, client, nowMs) => {
          const [given, cap] = [mergeLimits(one), mergeLimits(other)]
          const isBeyond = limitsBeyond(given, cap) !== undefined
          found.add(isBeyond)
          if (isBeyond) return
          const isOpen = ({ windows = [] }: MergedLimits): boolean =>
            windows.every((list) => openUntil(list, nowMs) !== undefined)
          if (admits(given.sources, client)) expect(admits(cap.sources, client)).toBe(true)
          if (isOpen(given)) expect(isOpen(cap)).toBe(true)
          const types = (limits: MergedLimits) => limits.connectionTypes ?? CONNECTION_TYPES
          expect(types(cap)).toEqual(expect.arrayContaining([...types(given)]))
          expect(given.sessions ?? Infinity).toBeLessThanOrEqual(cap.sessions ?? Infinity)
          expect(given.sessionsPerCredential ?? Infinity).toBeLessThanOrEqual(
            cap.sessionsPerCredential ?? Infinity,
          )
          expect([given.keepSessions, cap.keepSessions]).not.toEqual(['newest', 'oldest'])
          expect(given.lifetimeSeconds ?? Infinity).toBeLessThanOrEqual(cap.lifetimeSeconds ?? Infinity)
        },
      ),
      { numRuns: 3_000 },
    )
    expect(found).toEqual(new Set([true, false]))
  })

  it('are never those that have more policies', () => {
    fc.assert(
      fc.property(several, several, (all, more) => {
        expect(limitsBeyond(mergeLimits([...all, ...more]), mergeLimits(all))).toBeUndefined()
      }),
    )
  })

  const office: Window = { zone: 'UTC', start: '08:00', end: '18:00' }
  it.each<[string, PolicyLimits, PolicyLimits]>([
    ['a longer lifetime', {}, { lifetimeSeconds: 1 }],
    ['connections from anywhere', {}, { sources: ['10.0.0.0/8'] }],
    ['connections from 10.0.0.0/7', { sources: ['10.0.0.0/7'] }, { sources: ['10.0.0.0/8'] }],
    ['connections of any kind', {}, { connectionTypes: ['STANDARD'] }],
    ['connections of WEBSOCKET kind', { connectionTypes: ['WEBSOCKET'] }, { connectionTypes: ['STANDARD'] }],
    ['more hours', {}, { windows: [office] }],
    ['more hours', { windows: [{ ...office, end: '18:00:01' }] }, { windows: [office] }],
    ['more hours', { windows: [office] }, { windows: [{ ...office, days: ['mon'] }] }],
    ['more hours', { windows: [{ ...office, zone: 'Etc/UTC' }] }, { windows: [office] }],
    ['more connections at a time', { sessions: 2 }, { sessions: 1 }],
    ['more connections by one credential at a time', {}, { sessionsPerCredential: 1 }],
    ['new connections in the place of old ones', { keepSessions: 'newest' }, { keepSessions: 'oldest' }],
  ])('are told: %s', (words, given, cap) => {
    expect(limitsBeyond(mergeLimits([given]), mergeLimits([cap]))).toBe(words)
  })
})
