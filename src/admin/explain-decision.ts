import { z } from 'zod'
import { grantText, type PolicyAt } from '../domain/basis.ts'
import { explainGrant } from '../domain/explain.ts'
import { compileGrant } from '../domain/grant.ts'
import type { Policy } from '../domain/policy.ts'
import { accountKey, policyVersionKey } from '../domain/state-keys.ts'
import type { TemplateFacts } from '../domain/template.ts'
import type { Via } from '../domain/via.ts'
import { GatehouseError } from '../errors.ts'
import { accounts } from './aggregates.ts'
import { grantSeen, named } from './answers.ts'
import { command, type Scene } from './command.ts'
import { boundOf } from './delegation.ts'
import type { LoggedEvent } from './event-log.ts'
import { entrySeen, leftOutSeen, policyUsed, refusalSeen } from './explain-answers.ts'
import { refused, toldEntries, toldGrant } from './explanation.ts'
import { instant } from './fields.ts'
import { LENGTH_MAX } from './listing.ts'
import { Room } from './room.ts'
import type { View, VersionRecord } from './transaction.ts'

/** Why a connection was let in or refused, by what held then. */

/** Events that one request looks through; who asks goes on from there. */
const LOOKED_AT_MAX = 20_000
const STEP = 1_000
/** A decision is told once; other events name it. */
const DECISIONS = /[.]user[.](?:logged_in|token_refreshed|login_failed)$/

const decisionSeen = z.object({
  id: z.string().describe('The one-time key of the connection.'),
  at: z.string().describe('When: RFC 3339, UTC.'),
  outcome: z.enum(['admitted', 'denied']).describe('What was decided.'),
  refusal: refusalSeen.optional().describe('Why it was denied.'),
  account: named.optional().describe('Where the user was.'),
  user: named.optional().describe('Whom the credential led to. Absent: to nobody.'),
  credential: z.string().optional().describe('The id of the credential.'),
  from: z.object({ ip: z.string().optional(), userAgent: z.string().optional() }).describe('What asked.'),
  expiresAt: z.string().optional().describe('When the connection ends. Absent: never.'),
  policies: z.array(policyUsed).describe('What the grant was made of, at the versions of that time.'),
  grant: grantSeen.optional().describe('What those versions grant.'),
  isExact: z.boolean().optional().describe('Whether that is what was granted, to the letter.'),
  missing: z
    .array(z.string())
    .optional()
    .describe('Policies whose version of that time is not kept any more.'),
  entries: z.array(entrySeen).describe('Each entry of it, with what it comes from.'),
  leftOut: z.array(leftOutSeen).describe('What policies said and the grant did not.'),
  more: z.number().optional().describe('Entries beyond those that are shown.'),
})

const explainDecision = command({
  name: 'explain.decision',
  summary: 'Replays a past decision from its audit event, with the policies as they were at that time.',
  access: 'account',
  request: z.strictObject({
    decision: z
      .string()
      .regex(/^U[A-Z2-7]{55}$/, 'must be the id of a decision, as events and the log have it: U…')
      .describe('Its id: `decisionId` of user.logged_in, user.token_refreshed and user.login_failed.'),
    since: instant.optional().describe('Where to begin to look. Absent: at the oldest event.'),
    after: z.int().nonnegative().default(0).describe('The `next` of the request before.'),
  }),
  response: z.object({
    decision: decisionSeen.optional().describe('Absent: it was not found yet, look on from `next`.'),
    next: z.number().optional().describe('What the next request says as `after`.'),
  }),
  example: { decision: 'UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4' },
  async handle({ decision, ...from }, scene) {
    const found = await findEvent(decision, from, scene)
    if (typeof found === 'number') return { next: found }
    return { decision: await replayed(scene, decision, found) }
  },
})

/** The event, or where to look on. Throws `not_found` at the end. */
async function findEvent(
  decision: string,
  { after, since }: { readonly after: number; readonly since?: string | undefined },
  { events, reach }: Scene,
): Promise<LoggedEvent | number> {
  const filter = `${boundOf(reach) ?? '*'}.user.*`
  let [from, left] = [after, LOOKED_AT_MAX]
  while (left > 0) {
    const page = await events.read(filter, { after: from, since, limit: STEP, lengthMax: LENGTH_MAX })
    const found = page.events.find(
      ({ subject, data }) => data['decisionId'] === decision && DECISIONS.test(subject),
    )
    if (found !== undefined) return found
    const last = page.events.at(-1)
    if (last === undefined || !page.isMore)
      throw new GatehouseError(
        'not_found',
        'the audit stream has no event of that decision: it is older than what is kept, or one of many that were summed up or left out',
      )
    from = last.sequence
    left -= page.events.length
  }
  return from
}

const loginData = z.object({
  timestamp: z.string(),
  userId: z.string().optional(),
  name: z.string().optional(),
  accountId: z.string().optional(),
  credentialId: z.string().optional(),
  ip: z.string().optional(),
  userAgent: z.string().optional(),
  expiresAt: z.string().optional(),
  reason: z.string().optional(),
  detail: z.string().optional(),
  policies: z
    .array(
      z.object({ id: z.string(), version: z.number(), via: z.enum(['default', 'user', 'role', 'boundary']) }),
    )
    .optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  grantHash: z.string().optional(),
})
type LoginData = z.output<typeof loginData>

async function replayed(scene: Scene, id: string, { data }: LoggedEvent) {
  const told = loginData.parse(data)
  const { accountId, userId, name, ip, userAgent, reason, detail } = told
  const account = accountId === undefined ? undefined : await scene.tx.load(accounts, accountKey(accountId))
  const facts = {
    id,
    at: told.timestamp,
    from: { ip, userAgent },
    ...(accountId !== undefined && {
      account: { id: accountId, name: account?.status === 'present' ? account.name : accountId },
    }),
    ...(userId !== undefined && { user: { id: userId, name: name ?? userId } }),
    credential: told.credentialId,
    expiresAt: told.expiresAt,
  }
  const then = await policiesThen(scene.tx, told)
  if (reason === undefined) return { ...facts, outcome: 'admitted' as const, ...grantThen(scene, told, then) }
  const refusal = refused(reason, detail)
  const { policies, missing } = then
  const gone = missing.length > 0 && { missing }
  return { ...facts, outcome: 'denied' as const, refusal, policies, ...gone, entries: [], leftOut: [] }
}

/** The policies at the versions of that time. */
async function policiesThen(tx: View, { policies: used = [], accountId = '' }: LoginData) {
  const account = await tx.load(accounts, accountKey(accountId))
  const found: { readonly policy: Policy; readonly via: PolicyAt['via'] }[] = []
  const missing: string[] = []
  for (const { id, version, via } of used) {
    const kept = (await tx.get(policyVersionKey(id, version))) as VersionRecord<Policy> | undefined
    if (kept === undefined) missing.push(`${id} version ${version}`)
    else found.push({ policy: kept.state, via })
  }
  const policies = found.map(({ policy: { id, name, version }, via }) => ({ id, name, version, via: [via] }))
  const boundary = found.find(({ via }) => via === 'boundary')?.policy
  const giving = found.flatMap(({ policy, via }) => (via === 'boundary' ? [] : [policy]))
  const accountName = account.status === 'present' ? account.name : ''
  return { policies, missing, accountName, parts: { policies: giving, boundary } }
}

type Then = Awaited<ReturnType<typeof policiesThen>>

/** What they come to, for the user as it was. */
function grantThen({ secrets }: Scene, told: LoginData, { policies, missing, accountName, parts }: Then) {
  const nothing = { policies, entries: [], leftOut: [] }
  if (missing.length > 0) return { ...nothing, missing }
  const { accountId = '', userId = '', name = '', metadata = {}, grantHash } = told
  const facts: TemplateFacts = {
    user: { id: userId, name, metadata },
    account: { id: accountId, name: accountName },
  }
  const compiled = compileGrant(facts.user, facts.account, parts)
  if (!compiled.ok) return { ...nothing, isExact: false }
  const { grant } = compiled
  const isExact = secrets.digest(grantText(grant)) === grantHash
  const via = waysOf(policies)
  const room = new Room()
  const granted = { policies, grant: toldGrant(grant, room), isExact }
  return { ...granted, ...toldEntries(explainGrant(facts, parts, grant), via, room) }
}

function waysOf(policies: Then['policies']): Via {
  const ways = new Map<string, string[]>()
  for (const { id, via } of policies) ways.set(id, [...(ways.get(id) ?? []), ...via])
  return ways
}

export const decisionCommands = { explainDecision }
