import { z } from 'zod'
import {
  isRetiring,
  signingKeyOf,
  signingKeysInUse,
  type Operator,
  type OperatorCommand,
  type SigningKey,
} from '../domain/operator.ts'
import { OPERATOR_KEY, sealedKey } from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import { operators } from './aggregates.ts'
import { command, type Scene, type TrustSeen, type Untimed } from './command.ts'
import { description, instant, reason } from './fields.ts'
import { theOperator } from './lookup.ts'

/** The root of trust by command: its signing keys, and what its JWT tells tools and clients. */

const EXAMPLE_KEY = 'OAOV3QNPKZJSMTMA7YB5ESDCCFQCEPLTYSVW5G4F4IH5CPRKXPDL6W6S'
const URLS_MAX = 64
const URL_LENGTH_MAX = 256

const publicKey = z
  .string()
  .regex(/^O[A-Z2-7]{55}$/, 'must be an operator public key (O…)')
  .describe('The O… public key of a signing key.')

const operatorId = z.string().describe('The O… public key of the operator.')

/** What nats-io/jwt accepts (reference B.4), so that no tool refuses the JWT. */
const serviceUrl = z
  .string()
  .max(URL_LENGTH_MAX, { abort: true })
  .regex(/^(?:nats|tls|wss?):\/\/[^/?#@\s]+$/i, {
    error: 'must be a nats, tls, ws or wss URL without credentials and path',
    abort: true,
  })
  .refine((text) => URL.canParse(text), 'must be a URL')

/** The JWT is public: what is in this URL is told to everybody. */
const accountServerUrl = z
  .string()
  .max(URL_LENGTH_MAX, { abort: true })
  .regex(/^(?:https?|nats|tls|wss?):\/\/[^@\s]+$/i, {
    error: 'must be an http, https, nats, tls, ws or wss URL without credentials',
    abort: true,
  })
  .refine((text) => URL.canParse(text), 'must be a URL')

const expiresAt = instant
  .optional()
  .describe('When it should be replaced: from then on it signs only where no other key can. Absent: never.')

const seenKey = z.object({
  publicKey,
  status: z
    .enum(['signing', 'ready', 'untrusted', 'retiring', 'revoked', 'unknown'])
    .describe(
      'signing: signs the accounts. ready: could. untrusted: some server was started without it. retiring: is being replaced. unknown: servers could not be asked.',
    ),
  trusted: z.boolean().optional().describe('Does every server trust it? Absent: they could not be asked.'),
  createdAt: instant,
  expiresAt: instant.optional(),
  retiringSince: instant.optional(),
  revoked: z.object({ reason: z.string(), at: instant }).optional(),
})

const seenOperator = z.object({
  id: operatorId,
  name: z.string(),
  description: z.string().optional(),
  signing: z.enum(['strict', 'root']).describe('root: there are no signing keys, root keys sign.'),
  signingKeys: z.array(seenKey).describe('Oldest first.'),
  serviceUrls: z.array(z.string()),
  accountServerUrl: z.string().optional(),
  systemAccount: z.string(),
  calloutAccount: z.string(),
  adminAccount: z.string(),
  createdAt: instant,
})

const getOperator = command({
  name: 'operator.get',
  summary: 'Shows the operator, which of its keys servers trust, and the JWT to start servers with.',
  access: 'admin',
  request: z.strictObject({}),
  response: z.object({
    operator: seenOperator,
    jwt: z
      .string()
      .optional()
      .describe(
        'The operator JWT for the configuration of every server. Absent where the root key is not at hand, and while accounts of a revoked key are being signed anew.',
      ),
    restart: z
      .array(z.string())
      .optional()
      .describe(
        'Servers that trust other keys than the JWT lists: restart them with it. Absent: they could not be asked.',
      ),
  }),
  example: {},
  async handle(_, { tx, trust, now }) {
    const found = await theOperator(tx)
    await tx.regard(OPERATOR_KEY)
    const trusts = await trust.seen().catch(unlessUnavailable)
    return {
      operator: seen(found, trusts, now().getTime()),
      jwt: await trust.jwt(found),
      restart: trusts && outdated(found, trusts),
    }
  },
})

const createSigningKey = command({
  name: 'operator.create-signing-key',
  summary: 'Makes another signing key. It signs once every server was restarted with the new operator JWT.',
  access: 'admin',
  request: z.strictObject({ expiresAt }),
  response: z.object({ key: publicKey }),
  example: {},
  handle: ({ expiresAt }, scene) =>
    withNewKey(scene, (key) => ({ type: 'operator.create-signing-key', key: { publicKey: key, expiresAt } })),
})

const rotateSigningKey = command({
  name: 'operator.rotate-signing-key',
  summary:
    'Makes a signing key that replaces older ones: those sign until every server was restarted with the new operator JWT.',
  access: 'admin',
  request: z.strictObject({
    retire: publicKey.optional().describe('The key that is replaced. Absent: every other.'),
    expiresAt,
  }),
  response: z.object({ key: publicKey }),
  example: { retire: EXAMPLE_KEY },
  handle: ({ retire, expiresAt }, scene) =>
    withNewKey(scene, (key) => ({
      type: 'operator.rotate-signing-key',
      key: { publicKey: key, expiresAt },
      retire,
    })),
})

const revokeSigningKey = command({
  name: 'operator.revoke-signing-key',
  summary:
    'Ends a signing key: what it signed is signed anew by another, and the operator JWT no longer lists it.',
  access: 'admin',
  request: z.strictObject({ key: publicKey, reason }),
  response: z.object({ key: publicKey }),
  example: { key: EXAMPLE_KEY, reason: 'rotated' },
  async handle({ key, reason }, scene) {
    const { byAll: trusted } = await scene.trust.seen()
    await change(scene, { type: 'operator.revoke-signing-key', key, reason, trusted })
    scene.tx.set(sealedKey(key), undefined) // Whoever finds the bucket later cannot sign as it.
    return { key }
  },
})

const setServiceUrls = command({
  name: 'operator.set-service-urls',
  summary: 'Says where servers are found: operator_service_urls of the operator JWT.',
  access: 'admin',
  request: z.strictObject({ urls: z.array(serviceUrl).max(URLS_MAX).describe('Empty: nothing is said.') }),
  response: z.object({ operator: operatorId }),
  example: { urls: ['tls://nats.example.com:4222'] },
  handle: ({ urls }, scene) => change(scene, { type: 'operator.set-service-urls', urls: [...new Set(urls)] }),
})

const setAccountServerUrl = command({
  name: 'operator.set-account-server-url',
  summary: 'Says where tools push and pull accounts: account_server_url of the operator JWT.',
  access: 'admin',
  request: z.strictObject({ url: accountServerUrl.optional().describe('Absent: nothing is said.') }),
  response: z.object({ operator: operatorId }),
  example: { url: 'nats://nats.example.com:4222' },
  handle: ({ url }, scene) => change(scene, { type: 'operator.set-account-server-url', url }),
})

const setDescription = command({
  name: 'operator.set-description',
  summary: 'Says what the operator is for.',
  access: 'admin',
  request: z.strictObject({ description }),
  response: z.object({ operator: operatorId }),
  example: { description: 'The message system of Example Ltd.' },
  handle: ({ description }, scene) => change(scene, { type: 'operator.set-description', description }),
})

async function change({ tx }: Scene, what: Untimed<OperatorCommand>) {
  const { id } = await theOperator(tx)
  await tx.execute(operators, OPERATOR_KEY, { ...what, at: tx.context.at })
  return { operator: id }
}

async function withNewKey(scene: Scene, what: (publicKey: string) => Untimed<OperatorCommand>) {
  const { publicKey, sealed } = scene.keys.createOperatorKey()
  await change(scene, what(publicKey))
  scene.tx.set(sealedKey(publicKey), sealed)
  return { key: publicKey }
}

function seen(
  { status: _status, changedAt: _changedAt, ...operator }: Operator,
  trusts: TrustSeen | undefined,
  nowMs: number,
): z.input<typeof seenOperator> {
  const whole: Operator = { ...operator, status: 'present' }
  const signing = signingKeyOf(whole, { trusted: trusts?.byAll, nowMs })
  return {
    ...operator,
    serviceUrls: [...(operator.serviceUrls ?? [])],
    signingKeys: operator.signingKeys.map((key) => {
      const trusted = trusts?.byAll.has(key.publicKey)
      return {
        ...key,
        trusted,
        status: statusOf(key, { isSigning: key.publicKey === signing, trusted, nowMs }),
      }
    }),
  }
}

interface KeyMoment {
  readonly isSigning: boolean
  readonly trusted: boolean | undefined
  readonly nowMs: number
}

function statusOf(
  key: SigningKey,
  { isSigning, trusted, nowMs }: KeyMoment,
): z.input<typeof seenKey>['status'] {
  if (key.revoked !== undefined) return 'revoked'
  if (trusted === undefined) return 'unknown'
  if (isSigning) return 'signing'
  if (!trusted) return 'untrusted'
  return isRetiring(key, nowMs) ? 'retiring' : 'ready'
}

/** Names of the servers that were started with another JWT than this operator should have, as far as keys go. */
function outdated(operator: Operator, { servers }: TrustSeen): string[] {
  const listed = signingKeysInUse(operator).map(({ publicKey }) => publicKey)
  const agrees = (trusts: ReadonlySet<string>): boolean =>
    trusts.size === listed.length && listed.every((key) => trusts.has(key))
  return servers.filter(({ trusts }) => !agrees(trusts)).map(({ name }) => name)
}

function unlessUnavailable(error: unknown): undefined {
  if (error instanceof GatehouseError && error.code === 'unavailable') return undefined
  throw error
}

export const operatorCommands = {
  getOperator,
  createSigningKey,
  rotateSigningKey,
  revokeSigningKey,
  setServiceUrls,
  setAccountServerUrl,
  setDescription,
}
