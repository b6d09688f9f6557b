import type { Environment } from '../config.ts'
import { GatehouseError } from '../errors.ts'
import type { ClientOptions, Proof } from '../nats/client.ts'
import { openContexts } from './contexts.ts'
import type { Inputs } from './inputs.ts'
import { readUpFile } from './up-file.ts'

/** What the flags say about where to send commands, and as whom. */
export interface TargetFlags {
  readonly context?: string | undefined
  readonly server?: string | undefined
  readonly tokenFile?: string | undefined
  readonly creds?: string | undefined
  readonly dataDir?: string | undefined
}

export interface Finding {
  readonly env: Environment
  readonly inputs: Inputs
}

type Target = Pick<ClientOptions, 'servers' | 'proof' | 'origin'>

const SERVER = 'nats://127.0.0.1:4222'
const DATA_DIR = '.gatehouse'
const NOBODY: Proof = { kind: 'none' }

/**
 * Where to, and as whom: a context that is named, `--data-dir`, the selected context, `NATS_*` of the environment, or
 * else a Gatehouse that `gatehouse up` runs here. `--server`, `--token-file` and `--creds` go over that.
 */
export async function targetOf(flags: TargetFlags, finding: Finding): Promise<Target> {
  const given = await proofOf({ tokenFile: flags.tokenFile, creds: flags.creds }, finding.inputs)
  const below = await targetBelow(flags, finding)
  const over = [
    ...(flags.server === undefined ? [] : ['--server']),
    ...(flags.tokenFile === undefined ? [] : ['--token-file']),
    ...(flags.creds === undefined ? [] : ['--creds']),
  ]
  return {
    servers: flags.server ?? below.servers,
    proof: given ?? below.proof,
    origin:
      over.length === 0 ? below.origin : [below.origin, over.join(' and ')].filter(Boolean).join(' with '),
  }
}

async function targetBelow(flags: TargetFlags, { env, inputs }: Finding): Promise<Target> {
  const named = flags.context ?? (flags.dataDir === undefined ? env['GATEHOUSE_CONTEXT'] : undefined)
  if (named !== undefined && flags.dataDir !== undefined) {
    throw new GatehouseError('invalid_configuration', '--context must not stand beside --data-dir')
  }
  if (flags.dataDir !== undefined) return running(flags.dataDir)
  const contexts = openContexts(env)
  const name = named ?? contexts.selected()
  if (name !== undefined) {
    const { server, ...files } = contexts.read(name)
    return { servers: server, proof: (await proofOf(files, inputs)) ?? NOBODY, origin: `context "${name}"` }
  }
  const told = await fromEnvironment(env, inputs)
  if (told !== undefined) return told
  // The token of a system on this machine is for nobody else.
  if (flags.server !== undefined) return { servers: SERVER, proof: NOBODY, origin: '' }
  return running(env['GATEHOUSE_DATA_DIR'] || DATA_DIR)
}

async function fromEnvironment(env: Environment, inputs: Inputs): Promise<Target | undefined> {
  const set = ['NATS_URL', 'NATS_TOKEN', 'NATS_CREDS'].filter((name) => env[name])
  if (set.length === 0) return undefined
  const { NATS_URL: servers = SERVER, NATS_TOKEN: token, NATS_CREDS: creds } = env
  const proof = token
    ? ({ kind: 'token', token } as const)
    : await proofOf({ creds: creds || undefined }, inputs)
  return {
    servers: servers || SERVER,
    proof: proof ?? NOBODY,
    origin: `${set.join(' and ')} of the environment`,
  }
}

/** As its admin: whoever may read its directory may do as much. */
async function running(dataDir: string): Promise<Target> {
  const { url, tokens } = await readUpFile(dataDir).catch((error: unknown) => {
    if (!(error instanceof GatehouseError) || error.code !== 'not_found') throw error
    const message = `no context is selected, NATS_URL is not set, and no Gatehouse runs on ${dataDir}: add a context with gatehouse context add, or start one with gatehouse up`
    throw new GatehouseError('unavailable', message, { cause: error })
  })
  const name = ['admin', 'ADMIN/admin'].find((each) => Object.hasOwn(tokens, each))
  const origin = `gatehouse up on ${dataDir}`
  if (name !== undefined) return { servers: url, proof: { kind: 'token', token: tokens[name] ?? '' }, origin }
  const message = `${origin} declares no user "admin" in ADMIN: name a token with --token-file`
  throw new GatehouseError('not_found', message)
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
