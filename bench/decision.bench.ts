import { bench, describe } from 'vitest'
import { answer, type Callout } from '../src/callout/callout.ts'
import type { Account } from '../src/domain/account.ts'
import type { Operator } from '../src/domain/operator.ts'
import type { Policy } from '../src/domain/policy.ts'
import type { User } from '../src/domain/user.ts'
import { buildAdmission } from '../src/jwt/authorization.ts'
import type { AuthorizationRequestClaims, Unsigned, UserClaims } from '../src/jwt/claims.ts'
import { decode, encode } from '../src/jwt/token.ts'
import { createKeyPair } from '../src/keys/key-pair.ts'
import { Passwords } from '../src/keys/password.ts'
import { signerOf } from '../src/keys/signer.ts'
import { createToken, hashToken } from '../src/keys/token.ts'
import { xkeyOf } from '../src/keys/xkey.ts'
import { aThrottle } from '../test/support/throttles.ts'

// Question: how far above its floor is one decision? The floor is what cannot be left out: the box opened, the
// request's signature checked, two tokens signed, the answer boxed. Run with `npm run bench`.

const server = createKeyPair('server')
const serverXkey = xkeyOf(createKeyPair('curve'))
const xkey = xkeyOf(createKeyPair('curve'))
const [callout, target, targetSigning] = [
  createKeyPair('account'),
  createKeyPair('account'),
  createKeyPair('account'),
]
const [responseSigner, userSigner, serverSigner] = [
  signerOf(callout),
  signerOf(targetSigning),
  signerOf(server),
]

const at = '2026-01-01T00:00:00Z'
const token = createToken()
const tokenHash = hashToken(token)
const account: Account = {
  status: 'present',
  id: target.publicKey,
  name: 'ORDERS',
  role: 'tenant',
  signingKeys: [{ publicKey: targetSigning.publicKey, createdAt: at }],
  limits: {},
  metadata: {},
  defaultPolicy: 'base',
  createdAt: at,
}
const user: User = {
  status: 'present',
  id: '01',
  account: account.id,
  name: 'alice@example.com',
  policies: ['developer'],
  roles: [],
  credentials: [{ id: '1', kind: 'token', hash: tokenHash, createdAt: at }],
  metadata: {},
  createdAt: at,
}
const policies = new Map<string, Policy>(
  [
    { name: 'base', allow: ['auth.v1.whoami'], subscribe: ['_INBOX.>', '_INBOX_{{user.id}}.>'] },
    { name: 'developer', allow: ['orders.>', 'inventory.>'], subscribe: ['orders.>', 'inventory.>'] },
  ].map(({ name, allow, subscribe }) => [
    name,
    {
      status: 'present',
      id: name,
      name,
      scope: 'operator',
      version: 1,
      permissions: { publish: { allow, deny: ['orders.delete'] }, subscribe: { allow: subscribe, deny: [] } },
      limits: {},
      delegable: false,
      createdAt: at,
    },
  ]),
)

const world: Callout = {
  directory: {
    operator: { status: 'present' } as Operator,
    seen: { records: 0, users: 0 },
    account: () => account,
    policy: (id) => policies.get(id),
    role: () => undefined,
    user: () => undefined,
    userByToken: (hash) => (hash === tokenHash ? user : undefined),
    userByNkey: () => undefined,
    usersNamed: () => [],
  },
  passwords: new Passwords({ concurrencyMax: 1 }),
  throttle: aThrottle(),
  signers: { response: responseSigner, responseIssuerAccount: undefined, userSigner: () => userSigner },
  sessions: { claim: () => Promise.resolve(undefined) },
  openSessions: { at: () => undefined },
  kicking: { kick: () => Promise.resolve('gone') },
  xkey,
  // One request again and again: remembering which were seen would refuse all but the first.
  trust: { calloutAccount: callout.publicKey, isServer: () => true, replays: { isReplay: () => false } },
  nowMs: Date.now,
  tickMs: () => performance.now(),
  random: Math.random,
  isInTouch: () => true,
  observer: {
    dropped: wrong,
    denied: (_, denial) => wrong(denial),
    admitted: () => undefined,
    resumed: () => undefined,
  },
}

const request = serverXkey.seal(Buffer.from(requestToken()), xkey.publicKey)
const userClaims = issued()

describe('one decision', () => {
  bench('bytes to bytes', async () => {
    await answer(world, { data: request, serverXkey: serverXkey.publicKey })
  })

  bench('floor: open, verify, sign, sign, seal', () => {
    const opened = xkey.open(request, serverXkey.publicKey)!
    decode(Buffer.from(opened).toString('latin1'))
    const jwt = encode(userClaims, userSigner)
    const response = encode(
      buildAdmission({ userNkey: user.id, serverId: server.publicKey, issuedAt: 1 }, jwt),
      responseSigner,
    )
    xkey.seal(Buffer.from(response, 'latin1'), serverXkey.publicKey)
  })
})

/** A benchmark of refusals would be fast and mean nothing. */
function wrong({ reason }: { readonly reason: string }): never {
  throw new Error(`not admitted: ${reason}`)
}

function requestToken(): string {
  const iat = Math.floor(Date.now() / 1_000)
  const claims: Unsigned<AuthorizationRequestClaims> = {
    aud: 'nats-authorization-request',
    exp: iat + 3_600,
    iat,
    sub: callout.publicKey,
    nats: {
      server_id: {
        name: 'n1',
        host: '127.0.0.1',
        id: server.publicKey,
        version: '2.15.2',
        xkey: serverXkey.publicKey,
      },
      user_nkey: createKeyPair('user').publicKey,
      client_info: { host: '127.0.0.1', id: 7, name: 'bench', kind: 'Client', type: 'nats' },
      connect_opts: { auth_token: token, name: 'bench', lang: 'nats.js', version: '3.4.0', protocol: 1 },
      type: 'authorization_request',
      version: 2,
    },
  }
  return encode(claims, serverSigner)
}

/** The user JWT that `answer` makes, as claims: so that the floor signs just as much. */
function issued(): Unsigned<UserClaims> {
  const { allow, deny } = policies.get('developer')!.permissions.publish
  return {
    sub: createKeyPair('user').publicKey,
    name: user.name,
    iat: 1,
    nats: {
      issuer_account: account.id,
      pub: { allow: [...allow, 'auth.v1.whoami'], deny },
      sub: { allow: ['_INBOX.>', '_INBOX_01.>', 'orders.>', 'inventory.>'] },
      subs: -1,
      data: -1,
      payload: -1,
      type: 'user',
      version: 2,
    },
  }
}
