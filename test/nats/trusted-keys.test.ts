import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { describe, expect, it } from 'vitest'
import type { Operator } from '../../src/domain/operator.ts'
import { encode } from '../../src/jwt/token.ts'
import { buildUser } from '../../src/jwt/user.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { signerOf } from '../../src/keys/signer.ts'
import { Vault } from '../../src/keys/vault.ts'
import { startServer, type ServerProcess } from '../../src/nats/server-process.ts'
import { TrustChain } from '../../src/nats/trust.ts'
import { TrustedKeys } from '../../src/nats/trusted-keys.ts'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryFolder } from '../support/programs.ts'
import { anOperator } from '../support/requests.ts'

const AT = '2026-01-01T00:00:00.000Z'
const vault = new Vault(Buffer.alloc(32, 1))

/** A server of a cluster, with the operator JWT of the chain as it is now. */
interface Joining {
  readonly name: string
  readonly binary: string
  readonly routes?: string
}

async function started(
  path: string,
  trust: TrustChain,
  { name, binary, routes }: Joining,
): Promise<ServerProcess> {
  const dir = join(path, name)
  await mkdir(join(dir, 'jwt'), { recursive: true })
  for (const [id, jwt] of trust.accountJwts) await writeFile(join(dir, 'jwt', `${id}.jwt`), jwt)
  const configFile = join(dir, 'server.conf')
  const lines = [
    `server_name: ${name}`,
    'listen: "127.0.0.1:-1"',
    `operator: ${trust.operatorJwt}`,
    `system_account: ${trust.chain.system}`,
    `resolver { type: full, dir: "${join(dir, 'jwt')}" }`,
    `cluster { name: C, listen: "127.0.0.1:-1", routes: [${routes ?? ''}] }`,
  ]
  await writeFile(configFile, lines.join('\n'))
  return startServer({ binary, configFile, env: {}, portsDir: join(dir, 'ports'), log: () => undefined })
}

function insideSystem({ url }: ServerProcess, trust: TrustChain): Promise<NatsConnection> {
  const signer = signerOf(createKeyPair('user'))
  const identity = {
    publicKey: signer.publicKey,
    name: 'test',
    issuedAt: 1,
    issuerAccount: trust.chain.system,
  }
  const jwt = encode(buildUser(identity, {}), trust.systemSigner)
  const sign = (nonce = '') => Buffer.from(signer.sign(Buffer.from(nonce))).toString('base64url')
  return connect({ servers: url, reconnect: false, authenticator: (nonce) => ({ jwt, sig: sign(nonce) }) })
}

describe.each([
  ['the newest server', newestServer],
  ['the oldest server', oldestServer],
])('what %s trusts', (_, find) => {
  it('is what it was started with, and of several what all of them were', async () => {
    const binary = await find()
    await using folder = await temporaryFolder()
    const make = { operatorName: 'op', signing: 'strict', xkey: 'off', at: AT } as const
    const trust = TrustChain.open(join(folder.path, 'trust.json'), vault, make)
    const old = trust.operatorSigner.publicKey
    await using first = await started(folder.path, trust, { name: 's1', binary })
    const nc = await insideSystem(first, trust)
    let count = 1
    const trusted = new TrustedKeys(nc, { operator: trust.operator, servers: () => count })

    expect(trusted.byAll).toBeUndefined()
    expect(await trusted.ask()).toEqual({
      byAll: new Set([old]),
      servers: [{ name: 's1', trusts: new Set([old]) }],
    })

    // Another one joins, started with a JWT that lists a newer key too.
    const sealed = vault.generate('operator')
    const signingKeys = [old, sealed.publicKey].map((publicKey) => ({ publicKey, createdAt: AT }))
    const operator: Operator = anOperator({ id: trust.operator, name: 'op', signingKeys, changedAt: AT })
    const oldSealed = trust.founding.sealed.get(old) as typeof sealed
    trust.keep(operator, [oldSealed, sealed])
    const routes = `nats://127.0.0.1:${first.ports.cluster ?? 0}`
    await using second = await started(folder.path, trust, { name: 's2', binary, routes })
    expect(second.pid).toBeGreaterThan(0)
    count = 2
    const seen = await eventually(() => trusted.ask().catch(() => undefined))
    expect(seen.byAll).toEqual(new Set([old]))
    expect(new Map(seen.servers.map(({ name, trusts }) => [name, trusts]))).toEqual(
      new Map([
        ['s1', new Set([old])],
        ['s2', new Set([old, sealed.publicKey])],
      ]),
    )

    // One that says nothing may trust anything: what all of them said last stands.
    count = 3
    await expect(trusted.refresh()).rejects.toMatchObject({ code: 'unavailable' })
    expect(trusted.byAll).toEqual(new Set([old]))
    const strange = new TrustedKeys(nc, { operator: createKeyPair('operator').publicKey, servers: () => 2 })
    expect((await strange.ask()).byAll).toEqual(new Set())
    await nc.close()
  })
})
