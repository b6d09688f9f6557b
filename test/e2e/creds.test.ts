import { credsAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { createUser as createNkey, fromSeed } from '@nats-io/nkeys'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { decode } from '../../src/jwt/token.ts'
import { auditOf } from '../admin/bus.ts'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { command, createUser, openTcp, type ConnectOptions, type WireClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { filesUnder } from '../support/up.ts'
import { openWorld, type World } from '../support/world.ts'

const SERVERS = [
  { name: 'newest', find: newestServer },
  { name: 'oldest', find: oldestServer },
]

interface Issued {
  readonly credential: string
  readonly creds: string
  readonly jwt: string
  /** Signs as a client that is not ours does. */
  readonly sign: (nonce: string) => string
}

describe.each(SERVERS)('creds ($name server)', ({ name, find }) => {
  let world: World
  let admin: NatsConnection
  beforeAll(async () => {
    world = await openWorld({ binary: await find() })
    admin = await world.connectAs('admin')
  })
  beforeEach(() => {
    world.heard.denied.length = 0
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const reasons = (): string[] => world.heard.denied.map(({ reason }) => reason)
  const whose = (user: string) => ({ account: 'ORDERS', user })

  async function newcomer(user: string, facts: object = {}): Promise<Issued> {
    await command(admin, 'user.create', { account: 'ORDERS', name: user, policies: ['developer'] })
    return issue(user, facts)
  }

  async function issue(user: string, facts: object = {}): Promise<Issued> {
    const reply = await command(admin, 'user.issue-token', { ...whose(user), as: 'creds', ...facts })
    expect(reply).not.toHaveProperty('token')
    const creds = String(reply['creds'])
    const [jwt = '', seed = ''] = [...creds.matchAll(/-{3,}BEGIN[^\n]*\n(.+)\n-{3,}END/g)].map(
      ([, text]) => text,
    )
    const pair = fromSeed(Buffer.from(seed))
    const sign = (nonce: string): string => Buffer.from(pair.sign(Buffer.from(nonce))).toString('base64url')
    return { credential: String(reply['credential']), creds, jwt, sign }
  }

  const enter = ({ creds }: Issued): Promise<NatsConnection> =>
    world.connect({ authenticator: credsAuthenticator(Buffer.from(creds)) })

  /** Waits until whoever decides has heard of it. */
  async function refused(issued: Issued): Promise<void> {
    await eventually(async () => {
      const nc = await enter(issued).catch(() => undefined)
      await nc?.close()
      return nc === undefined
    })
  }

  /** A client that sends what it likes, once it knows the nonce. Gives whether it is let in. */
  async function knock(say: (client: WireClient) => ConnectOptions): Promise<WireClient | undefined> {
    const client = await openTcp(world.server.ports.nats)
    await client.until(() => client.nonce !== '')
    try {
      await client.connect(say(client))
      return client
    } catch {
      await client[Symbol.asyncDispose]()
      return undefined
    }
  }

  it('let their holder in, with what its policies say', async () => {
    const issued = await newcomer('holder', { label: 'laptop' })
    const nc = await enter(issued)
    expect(await command(nc, 'whoami', {})).toMatchObject({
      account: { name: 'ORDERS' },
      user: { name: 'holder' },
    })
    const admitted = world.heard.admitted.at(-1)
    expect(admitted).toMatchObject({
      user: { name: 'holder' },
      credential: { id: issued.credential, kind: 'nkey' },
    })

    // Most clients send no nkey beside the JWT.
    const { jwt, sign } = issued
    await using plain = await knock(({ nonce }) => ({ jwt, sig: sign(nonce) }))
    expect(plain).toBeDefined()
    plain!.publish('orders.new', 'x')
    plain!.publish('somewhere.else', 'x')
    await plain!.settle()
    expect(plain!.errors).toEqual([expect.stringContaining('somewhere.else')])
  })

  it('are kept nowhere: only the public key is', async () => {
    const heard = await auditOf(world)
    const { creds, jwt, credential } = await newcomer('forgotten')
    const seed = /SU[A-Z2-7]{56}/.exec(creds)![0]
    const { claims } = decode(jwt)
    expect(claims).toMatchObject({
      name: 'forgotten',
      nats: { pub: { deny: ['>'] }, sub: { deny: ['>'] }, issuer_account: world.trust.chain.callout },
    })
    expect(claims).not.toHaveProperty('exp')
    expect(claims.nats).not.toHaveProperty('bearer_token')
    expect(claims.iss).toBe(world.trust.calloutSigner.publicKey)

    const { user } = await command(admin, 'user.get', whose('forgotten'))
    expect(user).toMatchObject({ credentials: [{ id: credential, kind: 'nkey' }] })
    await eventually(() => heard.some(({ subject }) => subject.endsWith('.user.credential_added')))
    const everything = JSON.stringify([heard, world.heard, ...(await filesUnder(world.dir.path))])
    expect(everything).toContain(claims.sub)
    expect(everything).not.toContain(seed)
  })

  it('are refused once they are revoked', async () => {
    const issued = await newcomer('revoked')
    await (await enter(issued)).close()
    const { credential } = issued
    await command(admin, 'user.revoke-credential', { ...whose('revoked'), credential })
    await refused(issued)
    expect(reasons().at(-1)).toBe('unknown_credential')
  })

  it('are refused while their user is locked', async () => {
    const issued = await newcomer('locked')
    await command(admin, 'user.lock', { ...whose('locked'), reason: 'lost laptop' })
    await refused(issued)
    expect(reasons().at(-1)).toBe('user_locked')
    await command(admin, 'user.unlock', whose('locked'))
    await eventually(() => enter(issued).catch(() => undefined))
  })

  it('end with their time, and so do connections made with them', async () => {
    const issued = await newcomer('brief', { ttl: '2s' })
    const { claims } = decode(issued.jwt)
    const { user } = await command(admin, 'user.get', whose('brief'))
    const [{ expiresAt }] = (user as { credentials: [{ expiresAt: string }] }).credentials
    expect(claims.exp).toBe(Math.ceil(Date.parse(expiresAt) / 1_000))
    const nc = await enter(issued)
    await nc.closed()
    await refused(issued)
  })

  it('prove nothing by themselves', async () => {
    const { jwt, sign } = await newcomer('shown')
    const another = createNkey()
    const bySomebody = (nonce: string): string =>
      Buffer.from(another.sign(Buffer.from(nonce))).toString('base64url')
    const attempts = await Promise.all([
      knock(() => ({ jwt })),
      knock(() => ({ jwt, sig: sign('another nonce') })),
      knock(({ nonce }) => ({ jwt, sig: bySomebody(nonce) })),
      knock(({ nonce }) => ({ jwt, nkey: another.getPublicKey(), sig: bySomebody(nonce) })),
      // Of the server nobody asked for a JWT: the sentinel's takes its place, and the signature is not over it.
      knock(() => ({ nkey: decode(jwt).claims.sub, sig: sign('another nonce') })),
      knock(() => ({
        jwt: world.trust.sentinelJwt,
        nkey: decode(jwt).claims.sub,
        sig: sign('another nonce'),
      })),
    ])
    expect(attempts).toEqual(attempts.map(() => undefined))
    expect(world.heard.admitted.filter(({ user }) => user.name === 'shown')).toEqual([])
  })

  // Reference 0.1: up to 2.14 a client that claims to be the service user is not called out, but logged in inside AUTH.
  it('open nothing to who claims to be the service', async () => {
    const { jwt, sign } = await newcomer('pretender')
    const user = world.trust.chain.serviceUser
    await using client = await knock(({ nonce }) => ({ jwt, user, sig: sign(nonce) }))
    expect(client !== undefined).toBe(true)
    if (name === 'newest') {
      expect(world.heard.admitted.at(-1)).toMatchObject({ user: { name: 'pretender' } })
      return // It was asked about like anybody else: what it claims to be does not matter.
    }
    expect(world.heard.admitted.filter(({ user }) => user.name === 'pretender')).toEqual([])
    const subjects = ['$SYS.REQ.USER.AUTH', '$KV.gatehouse.>', '$JS.API.INFO', 'auth.v1.whoami', '_INBOX.x']
    for (const subject of subjects) {
      client!.subscribe(subject)
      client!.publish(subject, 'let me in', '_INBOX.x')
    }
    await client!.settle()
    expect(client!.errors.filter((text) => text.includes('Permissions Violation'))).toHaveLength(10)
    expect(client!.delivered).toEqual([])
  })

  it('stand beside tokens, which are still what is issued unless somebody asks', async () => {
    const token = await createUser(admin, 'ORDERS', { name: 'both', policies: ['developer'] })
    expect(token).toMatch(/^gh_/)
    await (await enter(await issue('both'))).close()
    const unknown = command(admin, 'user.issue-token', { ...whose('both'), as: 'jwt' })
    await expect(unknown).rejects.toThrow(/"where":"as"/)
    expect(world.heard.failures).toEqual([])
  })
})
