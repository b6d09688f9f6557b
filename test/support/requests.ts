import { pino } from 'pino'
import { answer, type Callout } from '../../src/callout/callout.ts'
import type { Incoming } from '../../src/callout/open.ts'
import { Replays } from '../../src/callout/replays.ts'
import type { LiveSessions } from '../../src/callout/presence.ts'
import type { SessionsByConnection } from '../../src/callout/resume.ts'
import { Sessions } from '../../src/callout/sessions.ts'
import type { Account } from '../../src/domain/account.ts'
import type { Operator } from '../../src/domain/operator.ts'
import type { Policy, SubjectRules } from '../../src/domain/policy.ts'
import type { Role } from '../../src/domain/role.ts'
import type { Credential, User } from '../../src/domain/user.ts'
import { AUTHORIZATION_REQUEST_AUDIENCE } from '../../src/jwt/authorization.ts'
import type {
  AuthorizationRequestClaims,
  AuthorizationRequestNats,
  AuthorizationResponseClaims,
  ClientInformation,
  ConnectOptions,
  Unsigned,
} from '../../src/jwt/claims.ts'
import { decode, encode } from '../../src/jwt/token.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { Passwords } from '../../src/keys/password.ts'
import { signerOf, type Signer } from '../../src/keys/signer.ts'
import { hashToken } from '../../src/keys/token.ts'
import { Vault } from '../../src/keys/vault.ts'
import { xkeyOf } from '../../src/keys/xkey.ts'
import { OpenSessions } from '../../src/sessions/open-sessions.ts'
import { directoryOf, type Records } from './records.ts'
import type { Session } from '../../src/sessions/session.ts'
import { TrustChain } from '../../src/nats/trust.ts'
import { createTelemetry, type Telemetry } from '../../src/telemetry.ts'
import { counted, countsOf } from './counts.ts'
import { temporaryFolder } from './programs.ts'
import { aThrottle } from './throttles.ts'

/** The moment at which decisions are tested: a fixed one, in the middle of a second. */
export const NOW_MS = 1_800_000_000_500
export const NOW_SECONDS = Math.floor(NOW_MS / 1_000)
const CREATED_AT = '2026-01-01T00:00:00.000Z'

/** How long a server waits for its answer, in seconds. */
const PATIENCE_SECONDS = 2

/** What differs from the request of an ordinary client that offers nothing. */
export interface Asking {
  readonly connect?: Partial<ConnectOptions>
  readonly client?: Partial<ClientInformation>
  readonly nats?: Partial<AuthorizationRequestNats>
  readonly claims?: Partial<Unsigned<AuthorizationRequestClaims>>
  /** Signs instead of the server's own key. */
  readonly signer?: Signer
}

/** The server's side of the callout, played with our own keys. */
export interface AskingServer {
  readonly id: string
  readonly signer: Signer
  claims(asking?: Asking): Unsigned<AuthorizationRequestClaims>
  token(asking?: Asking): string
  /** A whole request: signed, and boxed if the service has an xkey. */
  ask(asking?: Asking): Incoming
  /** Boxes bytes for the service as this server would, or leaves them as they are when there is no xkey. */
  wrap(bytes: Uint8Array): Incoming
  /** What an answer says, once its box is open and its signature holds. */
  read(bytes: Uint8Array): AuthorizationResponseClaims
}

export function askingServer(service: { readonly account: string; readonly xkey?: string }): AskingServer {
  const signer = signerOf(createKeyPair('server'))
  const curve = createKeyPair('curve')
  const box = xkeyOf(curve)
  const id = signer.publicKey

  function claims(asking: Asking = {}): Unsigned<AuthorizationRequestClaims> {
    const client_info = { host: '10.1.2.3', id: 9, kind: 'Client', type: 'nats', ...asking.client }
    return {
      aud: AUTHORIZATION_REQUEST_AUDIENCE,
      sub: service.account,
      iat: NOW_SECONDS,
      exp: NOW_SECONDS + PATIENCE_SECONDS,
      nats: {
        server_id: { name: 's1', host: '0.0.0.0', id, ...(service.xkey && { xkey: curve.publicKey }) },
        user_nkey: createKeyPair('user').publicKey,
        client_info,
        connect_opts: { protocol: 1, ...asking.connect },
        type: 'authorization_request',
        version: 2,
        ...asking.nats,
      },
      ...asking.claims,
    }
  }
  const token = (asking: Asking = {}): string => encode(claims(asking), asking.signer ?? signer)
  const wrap = (bytes: Uint8Array): Incoming =>
    service.xkey === undefined
      ? { data: bytes, serverXkey: undefined }
      : { data: box.seal(bytes, service.xkey), serverXkey: curve.publicKey }
  return {
    id,
    signer,
    claims,
    token,
    wrap,
    ask: (asking = {}) => wrap(Buffer.from(token(asking))),
    read(bytes) {
      const plaintext = service.xkey === undefined ? bytes : box.open(bytes, service.xkey)
      const decoded = decode(Buffer.from(plaintext ?? []).toString('latin1'))
      if (decoded.type !== 'authorization_response')
        throw new Error(`a server got a token of type ${decoded.type}`)
      return decoded.claims
    },
  }
}

/** Everything that is stored, as it stands for one test. */
export function anOperator(facts: Partial<Operator> = {}): Operator {
  return {
    status: 'present',
    id: createKeyPair('operator').publicKey,
    name: 'gatehouse',
    signing: 'strict',
    signingKeys: [],
    systemAccount: 'ASYS',
    calloutAccount: 'AAUTH',
    adminAccount: 'AADMIN',
    createdAt: CREATED_AT,
    ...facts,
  }
}

export function anAccount(facts: Partial<Account> = {}): Account {
  return {
    status: 'present',
    id: createKeyPair('account').publicKey,
    name: 'ORDERS',
    role: 'tenant',
    signingKeys: [],
    limits: {},
    metadata: {},
    createdAt: CREATED_AT,
    ...facts,
  }
}

/** A policy with these subjects, and whatever else is said of it. */
export function aPolicy(
  rules: { readonly pub?: Partial<SubjectRules>; readonly sub?: Partial<SubjectRules> },
  facts: Partial<Policy> = {},
): Policy {
  const none = { allow: [], deny: [] }
  return {
    status: 'present',
    id: facts.name ?? 'developer',
    name: 'developer',
    scope: 'operator',
    version: 1,
    permissions: { publish: { ...none, ...rules.pub }, subscribe: { ...none, ...rules.sub } },
    limits: {},
    delegable: false,
    createdAt: CREATED_AT,
    ...facts,
  }
}

export function aRole(facts: Partial<Role> = {}): Role {
  return {
    status: 'present',
    id: facts.name ?? 'clerk',
    name: 'clerk',
    scope: 'operator',
    policies: [],
    createdAt: CREATED_AT,
    ...facts,
  }
}

export function aUser(facts: Partial<User> & Pick<User, 'account'>): User {
  return {
    status: 'present',
    id: `id-of-${facts.name ?? 'alice'}`,
    name: 'alice',
    policies: [],
    roles: [],
    credentials: [],
    metadata: {},
    createdAt: CREATED_AT,
    ...facts,
  }
}

export function aToken(token: string, facts: Partial<Pick<Credential, 'id' | 'expiresAt'>> = {}): Credential {
  return { id: 'token-1', createdAt: CREATED_AT, ...facts, kind: 'token', hash: hashToken(token) }
}

/** What became of one request, read from the counters: its outcome and reason, and what the server was answered. */
export interface Outcome {
  readonly counted: readonly string[]
  readonly answer: AuthorizationResponseClaims | undefined
}

/** A whole callout on a real trust chain: everything but the wire and the store. */
export interface Gate extends AsyncDisposable {
  readonly callout: Callout
  readonly trust: TrustChain
  readonly vault: Vault
  readonly server: AskingServer
  readonly telemetry: Telemetry
  /** Every line of the log, and every line that a person is told. */
  readonly lines: readonly string[]
  /** How often each `outcome reason` was counted, those that never were left out. */
  counts(): Promise<ReadonlyMap<string, number>>
  /** Answers, and tells what was counted for it. `with_` takes the place of parts of the callout. */
  outcome(incoming: Incoming, with_?: Partial<Callout>): Promise<Outcome>
}

export interface GateOptions {
  readonly xkey?: 'on' | 'off'
  readonly signing?: 'strict' | 'root'
  readonly records?: Records
  /** By account id. An account that is not here has no key that could be opened. */
  readonly userSigners?: ReadonlyMap<string, Signer>
  readonly passwords?: Passwords
  readonly liveSessions?: LiveSessions
  readonly openSessions?: SessionsByConnection
  /** Who is connected, as far as the ledger knows. */
  readonly open?: readonly Session[]
}

export async function openGate(options: GateOptions = {}): Promise<Gate> {
  const { xkey = 'on', signing = 'strict', records = { accounts: [], policies: [], users: [] } } = options
  const folder = await temporaryFolder()
  const vault = new Vault(Buffer.alloc(32, 7))
  const make = { operatorName: 'gatehouse', signing, xkey, at: CREATED_AT } as const
  const trust = TrustChain.open(`${folder.path}/trust.json`, vault, make)
  const { callout: account } = trust.chain
  const server = askingServer({ account, ...(trust.xkey && { xkey: trust.xkey.publicKey }) })
  const lines: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  const telemetry = createTelemetry(log, ({ text }) => void lines.push(text))
  const open = new OpenSessions()
  for (const session of options.open ?? []) open.add(session)
  const callout: Callout = {
    directory: directoryOf(records),
    passwords: options.passwords ?? new Passwords({ concurrencyMax: 1 }),
    throttle: aThrottle(),
    signers: {
      response: trust.calloutSigner,
      responseIssuerAccount: trust.calloutSigner.publicKey === account ? undefined : account,
      userSigner: ({ id }) => options.userSigners?.get(id),
    },
    sessions: new Sessions(options.liveSessions ?? (() => Promise.resolve(new Set())), open),
    kicking: { kick: () => Promise.resolve('gone') },
    openSessions: options.openSessions ?? { at: () => undefined },
    xkey: trust.xkey,
    trust: { calloutAccount: account, isServer: (id) => id === server.id, replays: new Replays() },
    nowMs: () => NOW_MS,
    tickMs: () => performance.now(),
    random: () => 0,
    isInTouch: () => true,
    observer: telemetry,
  }
  const counts = (): Promise<ReadonlyMap<string, number>> => countsOf(telemetry)
  return {
    callout,
    trust,
    vault,
    server,
    telemetry,
    lines,
    counts,
    async outcome(incoming, with_ = {}) {
      const before = await counts()
      const bytes = await answer({ ...callout, ...with_ }, incoming)
      return {
        counted: counted(before, await counts()),
        answer: bytes === undefined ? undefined : server.read(bytes),
      }
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}
