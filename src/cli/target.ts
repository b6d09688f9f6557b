import type { Environment } from '../config.ts'
import { GatehouseError } from '../errors.ts'
import type { ClientOptions, Proof } from '../nats/client.ts'
import { openContexts, type Context } from './contexts.ts'
import { quoted } from './example.ts'
import type { Inputs } from './inputs.ts'
import { checkedInboxPrefix } from './inbox-prefix.ts'
import { misused } from './options.ts'
import { refuseSecretIn } from './server-url.ts'
import { readUpFile } from './up-file.ts'

/** What the flags say about where to send commands, and as whom. */
export interface TargetFlags {
  readonly context?: string | undefined
  readonly server?: string | undefined
  readonly tokenFile?: string | undefined
  readonly creds?: string | undefined
  readonly dataDir?: string | undefined
  readonly inboxPrefix?: string | undefined
}

export interface Finding {
  readonly env: Environment
  readonly inputs: Inputs
}

type Target = Pick<ClientOptions, 'servers' | 'proof' | 'origin' | 'inboxPrefix'>

/** A place with whom to be there. The proof is read when it is needed: a flag may go over it. */
interface Place extends Omit<Target, 'proof'> {
  readonly proof: () => Promise<Proof>
  /** The context that says so, which is trusted with its proof. */
  readonly context?: string
  /** Whether there is a proof at all. */
  readonly isProven?: boolean
}

const SERVER = 'nats://127.0.0.1:4222'
const DATA_DIR = '.gatehouse'
const NOBODY: Proof = { kind: 'none' }
const nobody = (): Promise<Proof> => Promise.resolve(NOBODY)

/**
 * Where to, and as whom: a context that is named, `--data-dir`, the selected context, `NATS_*` of the environment, or
 * else a Gatehouse that `gatehouse up` runs here. `--server`, `--token-file` and `--creds` go over that.
 */
export async function targetOf(flags: TargetFlags, finding: Finding): Promise<Target> {
  const { server, tokenFile, creds } = flags
  if (server !== undefined) refuseSecretIn(server, '--server')
  const given = await proofOf({ tokenFile, creds }, finding.inputs)
  const below = await placeBelow(flags, finding)
  if (server !== undefined && given === undefined) refuseToCarry(server, below)
  const over = [
    ...(server === undefined ? [] : ['--server']),
    ...(tokenFile === undefined ? [] : ['--token-file']),
    ...(creds === undefined ? [] : ['--creds']),
  ]
  const inboxPrefix = inboxPrefixOf(flags, given === undefined ? below.inboxPrefix : undefined, finding.env)
  return {
    ...(inboxPrefix !== undefined && { inboxPrefix }),
    servers: server ?? below.servers,
    proof: given ?? (await below.proof()),
    origin:
      over.length === 0 ? below.origin : [below.origin, over.join(' and ')].filter(Boolean).join(' with '),
  }
}

/** An inbox is of one user: that of a context is for whom the context proves. */
function inboxPrefixOf(
  { inboxPrefix }: TargetFlags,
  ofContext: string | undefined,
  { GATEHOUSE_INBOX_PREFIX: ofEnvironment }: Environment,
): string | undefined {
  if (inboxPrefix !== undefined) return checkedInboxPrefix(inboxPrefix, '--inbox-prefix')
  if (ofContext !== undefined) return ofContext
  return ofEnvironment ? checkedInboxPrefix(ofEnvironment, 'GATEHOUSE_INBOX_PREFIX') : undefined
}

/** A token that a context holds is for the servers of that context. */
function refuseToCarry(server: string, { context, servers, isProven = false }: Place): void {
  if (context === undefined || !isProven) return
  const known = listed(servers)
  if (listed(server).every((each) => known.includes(each))) return
  const rule = `is not the server of context "${context}", whose token or password goes nowhere else: say as whom with --token-file or --creds`
  throw misused('--server', rule)
}

function listed(servers: string): readonly string[] {
  return servers.split(',').map((server) => server.trim())
}

async function placeBelow(flags: TargetFlags, { env, inputs }: Finding): Promise<Place> {
  const { dataDir, server } = flags
  const named = flags.context ?? (dataDir === undefined ? env['GATEHOUSE_CONTEXT'] || undefined : undefined)
  if (named !== undefined && dataDir !== undefined) {
    throw new GatehouseError('invalid_configuration', '--context must not stand beside --data-dir')
  }
  // The token of a system on this machine is for nobody else.
  if (dataDir !== undefined && server !== undefined) {
    throw new GatehouseError('invalid_configuration', '--server must not stand beside --data-dir')
  }
  if (dataDir !== undefined) {
    const remedy = `start one with gatehouse up --data-dir ${quoted(dataDir)}`
    return running(dataDir, `no Gatehouse runs on ${dataDir}: ${remedy}`)
  }
  const contexts = openContexts(env)
  const name = named ?? contexts.selected()
  if (name !== undefined) return ofContext(name, contexts.read(name), inputs)
  const told = fromEnvironment(env, inputs)
  if (told !== undefined) return told
  if (server !== undefined) return { servers: SERVER, proof: nobody, origin: '' }
  const here = env['GATEHOUSE_DATA_DIR'] || DATA_DIR
  const nowhere = `no context is selected, NATS_URL is not set, and no Gatehouse runs on ${here}: add a context with gatehouse context add, or start one with gatehouse up`
  return running(here, nowhere)
}

function ofContext(name: string, { server, inboxPrefix, ...files }: Context, inputs: Inputs): Place {
  return {
    servers: server,
    ...(inboxPrefix !== undefined && { inboxPrefix }),
    proof: async () => (await proofOf(files, inputs)) ?? NOBODY,
    origin: `context "${name}"`,
    context: name,
    isProven: [files.tokenFile, files.creds, files.user].some((way) => way !== undefined),
  }
}

function fromEnvironment(env: Environment, inputs: Inputs): Place | undefined {
  const set = ['NATS_URL', 'NATS_TOKEN', 'NATS_CREDS'].filter((name) => env[name])
  if (set.length === 0) return undefined
  const { NATS_URL: servers, NATS_TOKEN: token, NATS_CREDS: creds } = env
  if (servers) refuseSecretIn(servers, 'NATS_URL')
  return {
    servers: servers || SERVER,
    proof: async () => {
      if (token) return { kind: 'token', token }
      return (await proofOf({ creds: creds || undefined }, inputs)) ?? NOBODY
    },
    origin: `${set.join(' and ')} of the environment`,
  }
}

/** As its admin: whoever may read its directory may do as much. `nowhere` says what is missing where nothing runs. */
async function running(dataDir: string, nowhere: string): Promise<Place> {
  const { url, tokens } = await readUpFile(dataDir).catch((cause: unknown) => {
    if (!(cause instanceof GatehouseError) || cause.code !== 'not_found') throw cause
    throw new GatehouseError('unavailable', nowhere, { cause })
  })
  const origin = `gatehouse up on ${dataDir}`
  const name = ['admin', 'ADMIN/admin'].find((each) => Object.hasOwn(tokens, each))
  const proof = (): Promise<Proof> => {
    if (name !== undefined) return Promise.resolve({ kind: 'token', token: tokens[name] ?? '' })
    const message = `${origin} declares no user "admin" in ADMIN: name a token with --token-file`
    throw new GatehouseError('not_found', message)
  }
  return { servers: url, proof, origin }
}

export interface ProofFiles {
  readonly tokenFile?: string | undefined
  readonly creds?: string | undefined
  readonly user?: string | undefined
  readonly passwordFile?: string | undefined
}

async function proofOf(files: ProofFiles, inputs: Inputs): Promise<Proof | undefined> {
  const { tokenFile, creds, user, passwordFile } = files
  if (tokenFile !== undefined && creds !== undefined)
    throw new GatehouseError('invalid_configuration', '--token-file must not stand beside --creds')
  if (tokenFile !== undefined) return { kind: 'token', token: await inputs.secret(tokenFile) }
  if (creds !== undefined) return { kind: 'creds', text: await inputs.text(creds) }
  if (user === undefined || passwordFile === undefined) return undefined
  return { kind: 'password', user, password: await inputs.secret(passwordFile) }
}
