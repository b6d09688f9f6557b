import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { prepare } from '../../src/callout/prepare.ts'
import { Denial } from '../../src/callout/reason.ts'
import type { Grant } from '../../src/domain/grant.ts'
import { buildAccount } from '../../src/jwt/account.ts'
import type { Permissions, Unsigned, UserClaims } from '../../src/jwt/claims.ts'
import { buildOperator } from '../../src/jwt/operator.ts'
import { encode } from '../../src/jwt/token.ts'
import { buildUser } from '../../src/jwt/user.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { signerOf, type Signer } from '../../src/keys/signer.ts'
import { startServer } from '../../src/nats/server-process.ts'
import { openTcp, type WireClient } from '../support/clients.ts'
import { temporaryFolder } from '../support/programs.ts'
import { anAccount, askingServer, aToken, aUser, NOW_MS } from '../support/requests.ts'

/** Somebody whom nats-server has let in with a grant, and what the JWT says of it. */
export interface Admitted {
  readonly client: WireClient
  readonly worn: Permissions
}

/** A real nats-server in operator mode with one account, whose users come with the JWT that a callout would give. */
export interface Judge extends AsyncDisposable {
  /** Lets somebody in with exactly this grant. Closed with the server. */
  admit(grant: Grant): Promise<Admitted>
  /** The same with a JWT that says this, whatever we would say. */
  admitWith(permissions: Permissions): Promise<Admitted>
}

const EVERYTHING = { allow: ['>'], deny: [] }
export const ALL: Grant = { publish: EVERYTHING, subscribe: EVERYTHING, policies: [] }

/** Runs this nats-server. */
export async function openJudge(binary: string): Promise<Judge> {
  const folder = await temporaryFolder()
  const [operator, account, system] = [fresh('operator'), fresh('account'), fresh('account')]
  const issuedAt = 1_700_000_000
  const operatorJwt = encode(
    buildOperator(
      { publicKey: operator.publicKey, name: 'op', issuedAt },
      { system_account: system.publicKey },
    ),
    operator,
  )
  const accountJwt = (publicKey: string): string =>
    encode(buildAccount({ publicKey, name: publicKey, issuedAt }, {}), operator)
  const configFile = join(folder.path, 'server.conf')
  const preload = [account, system]
    .map(({ publicKey }) => `${publicKey}: ${accountJwt(publicKey)}`)
    .join('\n')
  await writeFile(
    configFile,
    `listen: "127.0.0.1:-1"\noperator: ${operatorJwt}\nsystem_account: ${system.publicKey}\n` +
      `resolver: MEMORY\nresolver_preload {\n${preload}\n}\n`,
  )
  const server = await startServer({
    binary,
    configFile,
    env: process.env,
    portsDir: join(folder.path, 'ports'),
    log: () => undefined,
  })
  const opened: AsyncDisposable[] = [folder, server]
  const standing = {
    account: anAccount({ id: account.publicKey }),
    user: aUser({ account: account.publicKey }),
    credential: aToken('gh_t'),
    policies: [],
    boundary: undefined,
  }
  const enter = async (user: Signer, claims: Unsigned<UserClaims>): Promise<Admitted> => {
    const client = await openTcp(Number(new URL(server.url).port))
    opened.push(client)
    await client.until(() => client.nonce !== '')
    const sig = Buffer.from(user.sign(Buffer.from(client.nonce))).toString('base64url')
    await client.connect({ jwt: encode(claims, account), sig })
    return { client, worn: claims.nats }
  }
  return {
    async admit(grant) {
      const user = fresh('user')
      const claims = askingServer({ account: account.publicKey }).claims({
        nats: { user_nkey: user.publicKey },
      })
      const prepared = prepare(standing, grant, {
        claims,
        moment: { nowMs: NOW_MS, random: 0 },
      })
      if (prepared instanceof Denial) throw new Error(`${prepared.reason}: ${prepared.detail ?? ''}`)
      return enter(user, prepared)
    },
    admitWith(permissions) {
      const user = fresh('user')
      return enter(user, buildUser({ publicKey: user.publicKey, name: 'other', issuedAt }, permissions))
    },
    async [Symbol.asyncDispose]() {
      for (const each of opened.reverse()) await each[Symbol.asyncDispose]()
    },
  }
}

function fresh(kind: 'operator' | 'account' | 'user') {
  return signerOf(createKeyPair(kind))
}
