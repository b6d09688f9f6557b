import { z } from 'zod'
import { explainGrant, type Explanation } from '../domain/explain.ts'
import type { Grant } from '../domain/grant.ts'
import { verdictOn, type Question } from '../domain/question.ts'
import { entryCovers, parseSubscribeEntry } from '../domain/subject-entry.ts'
import { overlaps } from '../domain/subject.ts'
import { named } from './answers.ts'
import { command } from './command.ts'
import { refusalSeen, sourceSeen } from './explain-answers.ts'
import { standingOf, toldSource, type Standing } from './explanation.ts'
import { asQuestion, question } from './question-fields.ts'
import { userInWords, userMeant, type Found } from './user-reference.ts'

/** Denies that are told with a yes. */
const EXCEPTIONS_MAX = 5

const { user, account } = userInWords

const can = command({
  name: 'explain.can',
  line: {
    word: 'can',
    places: ['user', 'action', 'subject'],
    exits: '0 for yes, 1 for no and where nobody could be asked',
  },
  summary: 'Says whether a user can publish or subscribe to a subject, and which entry decides that.',
  access: 'account',
  request: z.strictObject({ user, ...question, account }),
  response: z.object({
    allowed: z.boolean().describe('Whether nats-server would let it, if it connected now.'),
    why: z.string().describe('The same for people.'),
    account: named.describe('Where the user is.'),
    user: named.describe('Who is asked about.'),
    refusal: refusalSeen.optional().describe('Why it would not even be let in.'),
    entry: z.string().optional().describe('The entry of its grant that decides. Absent: nothing allows it.'),
    sources: z.array(sourceSeen).describe('What that entry comes from.'),
  }),
  example: { user: 'alice@example.com', action: 'publish', subject: 'orders.new' },
  async handle(request, scene) {
    const asked = asQuestion(request)
    const found = await userMeant(scene, request)
    const standing = await standingOf(scene.tx, found, scene.now().getTime())
    const { id, name } = found.account
    return {
      ...answer(asked, found, standing),
      account: { id, name },
      user: { id: found.user.id, name: found.user.name },
    }
  },
})

function answer(asked: Question, found: Found, { refusal, grant, parts, via }: Standing) {
  if (grant === undefined || parts === undefined || refusal !== undefined) {
    const about = refusal?.detail === undefined ? '' : ` (${refusal.detail})`
    const why = `nobody is let in as "${found.user.name}": ${refusal?.words ?? 'nothing is granted'}${about}`
    return { allowed: false, why, sources: [], ...(refusal !== undefined && { refusal }) }
  }
  const { allowed, entry } = verdictOn(asked, grant)
  const explanation = explainGrant(found, parts, grant)
  if (entry === undefined)
    return { allowed, why: whyNot(asked, explanation, grant.responses !== undefined), sources: [] }
  const effect = allowed ? 'allow' : 'deny'
  const decided = explanation.entries.find(
    (each) => each.side === asked.side && each.effect === effect && each.subject === entry,
  )
  const sources = decided?.sources ?? []
  const whose = [...new Set(sources.map(({ policy, field }) => `"${policy.name}" (${field})`))].join(', ')
  const but = allowed ? `${exceptions(asked, grant)}${conditions(grant)}` : ''
  const why = `${allowed ? 'allowed' : 'denied'} by ${entry} of policy ${whose}${but}`
  return { allowed, why, entry, sources: sources.map((source) => toldSource(source, via)) }
}

/** What of a subscription with wildcards is not delivered. */
function exceptions({ side, subject }: Question, { subscribe }: Grant): string {
  if (side !== 'subscribe') return ''
  const denied = subscribe.deny.filter((entry) => overlaps(parseSubscribeEntry(entry).subject, subject))
  return denied.length === 0 ? '' : `, except what ${denied.slice(0, EXCEPTIONS_MAX).join(', ')} denies`
}

/** What has to be so for it to be connected, which the door alone can see. */
function conditions(grant: Grant): string {
  const limits = (
    ['sources', 'connectionTypes', 'windows', 'sessions', 'sessionsPerCredential'] as const
  ).filter((limit) => grant[limit] !== undefined)
  return limits.length === 0 ? '' : `, as far as its ${limits.join(', ')} let it connect`
}

/** Nothing allows it. It may have been allowed, and capped; or be answered to all the same. */
function whyNot({ side, subject, queue }: Question, { leftOut }: Explanation, mayRespond: boolean): string {
  const whole = queue === undefined ? subject : `${subject} ${queue}`
  const capped = leftOut.find(
    (each) =>
      each.side === side &&
      each.effect === 'allow' &&
      each.coveredBy === undefined &&
      entryCovers(each.subject, whole),
  )
  if (capped !== undefined)
    return `${capped.subject} of policy "${capped.source.policy.name}" would allow it, and the boundary of the account does not`
  return side === 'publish' && mayRespond
    ? 'nothing allows it, except as the reply to a request'
    : 'nothing allows it'
}

export const canCommands = { can }
