import { describe, expect, it } from 'vitest'
import { buildScopedUser, buildUser, validateScopedUser, validateUser } from '../../src/jwt/user.ts'
import { NOW, places, publicKey, userWith } from './world.ts'

const identity = { publicKey: publicKey('user'), name: 'alice', issuedAt: NOW }
const issuerAccount = publicKey('account')

describe('a built user', () => {
  it('is unlimited unless told otherwise, and valid', () => {
    const claims = buildUser(
      { ...identity, issuerAccount, expiresAt: NOW + 60, tags: ['a:b'] },
      { pub: { allow: ['a'] }, subs: 10 },
    )
    expect(claims).toEqual({
      sub: identity.publicKey,
      name: 'alice',
      iat: NOW,
      exp: NOW + 60,
      nats: {
        pub: { allow: ['a'] },
        subs: 10,
        data: -1,
        payload: -1,
        issuer_account: issuerAccount,
        tags: ['a:b'],
        type: 'user',
        version: 2,
      },
    })
    expect(validateUser(claims)).toEqual([])
  })

  it('of a scoped key carries nothing that the template decides', () => {
    const claims = buildScopedUser({ ...identity, issuerAccount, tags: ['a:b'] })
    expect(Object.keys(claims.nats).sort()).toEqual(['issuer_account', 'tags', 'type', 'version'])
    expect(validateScopedUser(claims)).toEqual([])
    expect(places(validateScopedUser(buildUser(identity, {})))).toEqual([
      'nats.subs',
      'nats.data',
      'nats.payload',
    ])
  })
})

describe('a scoped user', () => {
  it('may have empty permissions and zero limits, which Go writes for nothing', () => {
    expect(validateScopedUser(userWith({ pub: {}, sub: {}, subs: 0, bearer_token: false }))).toEqual([])
  })

  it.each([
    [{ pub: { deny: ['a'] } }, 'nats.pub'],
    [{ sub: { allow: ['a'] } }, 'nats.sub'],
    [{ resp: { max: 1, ttl: 0 } }, 'nats.resp'],
    [{ bearer_token: true }, 'nats.bearer_token'],
    [{ src: ['10.0.0.0/8'] }, 'nats.src'],
    [{ allowed_connection_types: ['MQTT'] }, 'nats.allowed_connection_types'],
  ])('may not carry %j', (nats, where) => {
    expect(places(validateScopedUser(userWith(nats)))).toEqual([where])
  })
})

describe('a user is valid', () => {
  it.each([
    { pub: { allow: ['a.*.>', '$JS.API.>'], deny: ['>'] }, sub: { allow: ['a.* queue.*', '_INBOX.>'] } },
    { pub: { allow: [], deny: ['>'] }, resp: { max: -1, ttl: 0 } },
    { src: ['10.0.0.0/8', '0.0.0.0/0', '::/0', '2001:db8::/32', '::ffff:10.0.0.1/128', 'fe80::1/64'] },
    { src: '10.0.0.0/8, 192.168.1.1/32' },
    { times: [{ start: '22:00:00', end: '06:30:59' }], times_location: 'Europe/Berlin' },
    { times_location: 'America/Port-au-Prince' },
    { times_location: 'UTC' },
    { allowed_connection_types: ['STANDARD', 'mqtt', 'IN_PROCESS'] },
  ])('with %j', (nats) => {
    expect(validateUser(userWith(nats))).toEqual([])
  })
})

describe('a user is refused', () => {
  it.each([
    [{ pub: { allow: ['a', 'a..b'] } }, 'nats.pub.allow[1]'],
    [{ pub: { allow: ['a queue'] } }, 'nats.pub.allow[0]'],
    [{ pub: { deny: [''] } }, 'nats.pub.deny[0]'],
    [{ sub: { allow: ['a b c'] } }, 'nats.sub.allow[0]'],
    [{ sub: { deny: ['.a'] } }, 'nats.sub.deny[0]'],
    [{ pub: { allow: [] } }, 'nats.pub.allow'],
    [{ sub: { allow: [], deny: ['a'] } }, 'nats.sub.allow'],
    [{ times: [{ start: '8:00', end: '18:00:00' }] }, 'nats.times[0]'],
    [{ times: [{ start: '08:00:00', end: '24:00:00' }] }, 'nats.times[0]'],
    [{ times_location: 'Mars/Olympus' }, 'nats.times_location'],
    [{ times_location: 'europe/berlin' }, 'nats.times_location'],
    [{ times_location: '+01:00' }, 'nats.times_location'],
    [{ times_location: '../../etc/passwd' }, 'nats.times_location'],
    [{ allowed_connection_types: ['CARRIER_PIGEON'] }, 'nats.allowed_connection_types[0]'],
    [{ issuer_account: publicKey('user') }, 'nats.issuer_account'],
  ])('with %j', (nats, where) => {
    expect(places(validateUser(userWith(nats)))).toEqual([where])
  })

  it.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0/8',
    '010.0.0.0/8',
    '10.0.0.256/8',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0.0.1/8',
    '::/129',
    ':::/0',
    '2001:db8::g/32',
    'fe80::1%eth0/64',
    '[::1]/128',
    '1/8',
    '',
  ])('with the source "%s"', (cidr) => {
    expect(places(validateUser(userWith({ src: [cidr] })))).toEqual(['nats.src[0]'])
  })

  it('when it is none', () => {
    expect(places(validateUser({ ...userWith({}), sub: publicKey('account') }))).toEqual(['sub'])
  })
})
