import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PermissionViolationError, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { validateAccount } from '../../src/jwt/account.ts'
import { validateActivation } from '../../src/jwt/activation.ts'
import { validateOperator } from '../../src/jwt/operator.ts'
import { decode } from '../../src/jwt/token.ts'
import { validateUser } from '../../src/jwt/user.ts'
import { Vault } from '../../src/keys/vault.ts'
import { PURGE_INBOX } from '../../src/nats/account-removal.ts'
import { authenticatorOf } from '../../src/nats/connection.ts'
import { TrustChain } from '../../src/nats/trust.ts'
import type { Fault } from '../../src/errors.ts'
import { anOperator } from '../support/requests.ts'
import { temporaryFolder } from '../support/programs.ts'
import { openWorld, type World } from '../support/world.ts'

const vault = new Vault(Buffer.alloc(32, 1))
const other = new Vault(Buffer.alloc(32, 2))
const make = { operatorName: 'op', signing: 'strict', xkey: 'on', at: '2026-01-02T03:04:05.678Z' } as const

/** Everything a chain gives away. */
function given(trust: TrustChain): unknown {
  return {
    chain: trust.chain,
    operator: trust.operatorJwt,
    accounts: [...trust.accountJwts],
    sentinel: trust.sentinelJwt,
    service: trust.serviceUser.jwt,
    founding: [trust.founding.operator, [...trust.founding.sealed]],
    signers: [trust.operatorSigner.publicKey, trust.calloutSigner.publicKey],
    xkey: trust.xkey?.publicKey,
  }
}

function faultsOf(token: string): Fault[] {
  const decoded = decode(token)
  switch (decoded.type) {
    case 'operator':
      return validateOperator(decoded.claims)
    case 'account':
      return [
        ...validateAccount(decoded.claims),
        ...(decoded.claims.nats.imports ?? []).flatMap(({ token }) => (token ? faultsOf(token) : [])),
      ]
    case 'user':
      return validateUser(decoded.claims)
    case 'activation':
      return validateActivation(decoded.claims)
    default:
      throw new Error(`a chain has no ${decoded.type}`)
  }
}

describe('a trust chain', () => {
  it('is the same whenever its file is opened, and as it was made', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'trust.json')
    const made = given(TrustChain.open(file, vault, make))
    const later = { ...make, operatorName: 'another', at: '2027-01-01T00:00:00Z' }
    expect(given(TrustChain.open(file, vault, later))).toEqual(made)
  })

  it('stays as it was made, and says so to who wants another', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'trust.json')
    TrustChain.open(file, vault, make)
    const refused: unknown = expect.objectContaining({ code: 'invalid_configuration' })
    expect(() => TrustChain.open(file, vault, { ...make, signing: 'root' })).toThrow(refused)
    expect(() => TrustChain.open(file, vault, { ...make, xkey: 'off' })).toThrow(refused)
  })

  it('is kept sealed, for its owner alone', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'trust.json')
    TrustChain.open(file, vault, make)
    const text = await readFile(file, 'utf8')
    expect(text).not.toMatch(/S[OAUNCX][A-Z2-7]{56}/)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(Object.keys((JSON.parse(text) as { keys: object }).keys)).toHaveLength(11)
  })

  it('keeps what the operator has become for the next start, and forgets what it was', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'trust.json')
    const trust = TrustChain.open(file, vault, make)
    const founded = trust.operatorSigner.publicKey
    const sealed = vault.generate('operator')
    const { publicKey } = sealed
    const signingKeys = [
      { publicKey: founded, createdAt: make.at, revoked: { reason: 'leaked', at: make.at } },
      { publicKey, createdAt: make.at },
    ]
    const serviceUrls = ['nats://a.example.com']
    const facts = { id: trust.operator, name: 'op', signingKeys, serviceUrls }
    const operator = anOperator({ ...facts, changedAt: '2027-01-01T00:00:00Z' })
    expect(trust.isKept(operator)).toBe(false)
    trust.keep(operator, [sealed])

    const again = TrustChain.open(file, vault, make)
    expect(given(again)).toEqual(given(trust))
    expect(again.isKept(operator)).toBe(true)
    const { claims } = decode(again.operatorJwt)
    expect(claims).toMatchObject({
      iat: Date.parse('2027-01-01T00:00:00Z') / 1_000,
      nats: { signing_keys: [publicKey], operator_service_urls: serviceUrls },
    })
    expect(again.operatorSigner.publicKey).toBe(publicKey)
    for (const jwt of again.accountJwts.values()) expect(decode(jwt).claims.iss).toBe(publicKey)
    expect(await readFile(file, 'utf8')).not.toContain(`"publicKey": "${founded}"`)
    expect(await readFile(join(folder.path, 'operator.jwt'), 'utf8')).toBe(`${again.operatorJwt}\n`)
  })

  it('stays untouched by a wrong master key', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'trust.json')
    TrustChain.open(file, vault, make)
    const [before, written] = [await readFile(file, 'utf8'), (await stat(file)).mtimeMs]
    expect(() => TrustChain.open(file, other, make)).toThrow(
      expect.objectContaining({ code: 'wrong_master_key' }),
    )
    expect(await readFile(file, 'utf8')).toBe(before)
    expect((await stat(file)).mtimeMs).toBe(written)
    expect(await readdir(folder.path)).toEqual(['operator.jwt', 'trust.json'])
  })

  it.each([
    ['strict', 'on', 11],
    ['strict', 'off', 10],
    ['root', 'on', 7],
    ['root', 'off', 6],
  ] as const)('(%s, xkey %s) has only valid JWTs, and the keys it needs', async (signing, xkey, keys) => {
    await using folder = await temporaryFolder()
    const trust = TrustChain.open(join(folder.path, 'trust.json'), vault, { ...make, signing, xkey })
    const tokens = [
      trust.operatorJwt,
      ...trust.accountJwts.values(),
      trust.sentinelJwt,
      trust.serviceUser.jwt,
    ]
    expect(tokens.flatMap(faultsOf)).toEqual([])
    expect(tokens.map((token) => decode(token).claims.iat)).toEqual(
      Array(5).fill(Date.parse('2026-01-02T03:04:05Z') / 1_000),
    )

    const roots = new Set([trust.chain.callout, trust.chain.system, trust.founding.operator.id])
    const signedByRoot = tokens.slice(1).every((token) => roots.has(decode(token).claims.iss))
    expect(signedByRoot).toBe(signing === 'root')
    // Strict systems keep the operator's root key out of the state: replicas run on signing keys.
    expect(trust.founding.sealed.size).toBe(signing === 'strict' ? keys - 1 : keys)
    expect(trust.founding.sealed.has(trust.founding.operator.id)).toBe(signing === 'root')
    expect(trust.xkey === undefined).toBe(xkey === 'off')
  })
})

describe('the service user', () => {
  let world: World
  let nc: NatsConnection
  beforeAll(async () => {
    world = await openWorld()
    const { jwt, signer } = world.trust.serviceUser
    nc = await world.connect({
      inboxPrefix: '_INBOX_gatehouse',
      authenticator: (nonce = '') => ({
        jwt,
        sig: Buffer.from(signer.sign(Buffer.from(nonce))).toString('base64url'),
      }),
    })
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const isRefused = (error: unknown): boolean =>
    error instanceof Error && [error, error.cause].some((each) => each instanceof PermissionViolationError)

  it.each([
    'auth.v1.user.create',
    'auth.event.x',
    'orders.new',
    '$JS.API.STREAM.LIST',
    '$JS.API.STREAM.NAMES',
    '$JS.API.STREAM.RESTORE.mine',
    '$JS.API.STREAM.SNAPSHOT.KV_gatehouse',
    '$JS.API.STREAM.DELETE.KV_gatehouse',
    '$JS.API.STREAM.MSG.DELETE.KV_gatehouse',
    '$JS.API.STREAM.DELETE.auth-events',
    '$JS.API.STREAM.PURGE.auth-events',
    '$JS.API.STREAM.MSG.DELETE.auth-events',
    '$JS.API.ACCOUNT.PURGE.X',
    '$SYS.REQ.CLAIMS.LIST',
    '$SYS.REQ.CLAIMS.PACK',
    '$SYS.REQ.SERVER.PING.STATSZ',
    '$SYS.REQ.SERVER.X.RELOAD',
    '$SYS.REQ.ACCOUNT.X.INFO',
    '_INBOX.somebody',
  ])('cannot publish %s', async (subject) => {
    const answer: unknown = await nc.request(subject, '', { timeout: 5_000 }).catch((error: unknown) => error)
    expect(answer).toSatisfy(isRefused)
  })

  it.each<[string, string?]>([
    ['>'],
    ['auth.event.>'],
    ['$KV.>'],
    ['_INBOX.>'],
    ['_R_.>'],
    ['$SYS.>'],
    ['$SYS.REQ.USER.AUTH'],
    ['$SYS.REQ.USER.AUTH', 'another'],
    ['auth.v1.>'],
    ['auth.v1.>', 'another'],
    ['$JS.>'],
  ])('cannot subscribe to %s (queue group %s)', async (subject, queue) => {
    const error = await new Promise((resolve) => {
      nc.subscribe(subject, { ...(queue === undefined ? {} : { queue }), callback: resolve })
    })
    expect(error).toSatisfy(isRefused)
  })

  it('may do what it is for', async () => {
    const sub = nc.subscribe('auth.v1.>', { queue: 'gatehouse', callback: () => undefined })
    await nc.flush()
    expect(sub.isClosed()).toBe(false)
    const reply = await nc.request('$JS.API.STREAM.INFO.KV_gatehouse')
    expect(reply.json()).toMatchObject({ config: { name: 'KV_gatehouse' } })
    sub.unsubscribe()
  })
})

describe('who purges', () => {
  it('may purge an account, and nothing else of the system account', async () => {
    await using world = await openWorld()
    const { jwt, signer } = world.trust.purger(Date.now())
    expect(decode(world.trust.purger(60_000).jwt)).toMatchObject({
      type: 'user',
      claims: { iat: 60, exp: 120 },
    })
    expect(world.trust.purger(0).signer.publicKey).not.toBe(signer.publicKey)
    const nc = await world.connect({
      inboxPrefix: PURGE_INBOX,
      authenticator: authenticatorOf({ jwt, signer }),
    })
    const purged = await nc.request(`$JS.API.ACCOUNT.PURGE.${world.trust.chain.admin}`, '', {
      timeout: 5_000,
    })
    expect(purged.json()).toMatchObject({ initiated: true })
    const isRefused = (error: unknown): boolean =>
      error instanceof Error && [error, error.cause].some((each) => each instanceof PermissionViolationError)
    for (const subject of ['$SYS.REQ.CLAIMS.UPDATE', '$SYS.REQ.SERVER.PING', '$JS.API.STREAM.LIST', 'x'])
      expect(await nc.request(subject, '').catch((error: unknown) => error)).toSatisfy(isRefused)
    for (const subject of ['>', '$SYS.>', '_INBOX.>']) {
      const error = await new Promise((resolve) => nc.subscribe(subject, { callback: resolve }))
      expect(error).toSatisfy(isRefused)
    }
  })
})
