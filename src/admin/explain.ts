import { z } from 'zod'
import { entriesOf } from '../domain/entries.ts'
import { accountKey, tokenKey, userKey, type UserReference } from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import { accounts, users } from './aggregates.ts'
import { credentialSeen, named, policySeen } from './answers.ts'
import { command, type Scene } from './command.ts'
import { boundOf, isVisible } from './delegation.ts'
import { explanationSeen } from './explain-answers.ts'
import { refused, standingOf, toldStanding, type Standing } from './explanation.ts'
import { LENGTH_MAX } from './listing.ts'
import { ownPolicy } from './lookup.ts'
import { whichPolicy } from './policy-life.ts'
import { Room } from './room.ts'
import { seenPolicy } from './seen.ts'
import { usersOf } from './used-by.ts'
import { userInWords, userMeant, type Found } from './user-reference.ts'

/** What somebody may do and why, by what is stored now. */

const explainUser = command({
  name: 'explain.user',
  summary:
    'Says what a user is granted, and for each entry which policy, role, default or boundary it comes from.',
  access: 'account',
  request: z.strictObject(userInWords),
  response: z.object(explanationSeen),
  example: { user: 'alice@example.com' },
  async handle(which, scene) {
    const found = await userMeant(scene, which)
    return toldStanding(found, await standingOf(scene.tx, found, scene.now().getTime()))
  },
})

const explainToken = command({
  name: 'explain.token',
  summary: 'Says to whom a bearer token leads, and what its holder is granted and why.',
  access: 'account',
  request: z.strictObject({
    secret: z.string().min(1).max(512).describe('The token. It is looked up and forgotten.'),
  }),
  response: z.object({
    ...explanationSeen,
    account: named.optional().describe('Where it leads. Absent: nowhere.'),
    user: named.optional().describe('To whom it leads.'),
    credential: credentialSeen.optional().describe('What it is.'),
  }),
  example: { secret: 'the-token-of-somebody' },
  async handle({ secret }, scene) {
    const { tx, secrets } = scene
    const hash = secrets.digest(secret)
    const found = await holderOf(scene, hash)
    const held = found?.user.credentials.find((each) => each.kind === 'token' && each.hash === hash)
    if (found === undefined || held === undefined)
      return { refusal: refused('unknown_credential'), policies: [], entries: [], leftOut: [] }
    const { id, kind, label, createdAt, expiresAt } = held
    const nowMs = scene.now().getTime()
    const isOver = expiresAt !== undefined && !(Date.parse(expiresAt) > nowMs)
    const standing = await standingOf(tx, found, nowMs)
    const known: Standing = isOver ? { ...standing, refusal: refused('credential_expired', id) } : standing
    return { ...toldStanding(found, known), credential: { id, kind, label, createdAt, expiresAt } }
  },
})

/** Whoever is bound to an account learns nothing of the tokens of others: they lead nowhere. */
async function holderOf({ tx, reach }: Scene, hash: string): Promise<Found | undefined> {
  const reference = (await tx.get(tokenKey(hash))) as UserReference | undefined
  const bound = boundOf(reach)
  if (reference === undefined || (bound !== undefined && reference.account !== bound)) return undefined
  const account = await tx.load(accounts, accountKey(reference.account))
  const user = await tx.load(users, userKey(reference.account, reference.user))
  return account.status === 'absent' || user.status === 'absent' ? undefined : { account, user }
}

const entry = z.object({
  side: z.enum(['publish', 'subscribe']),
  effect: z.enum(['allow', 'deny']),
  subject: z.string().describe('A subject, templates and all.'),
  field: z.string().describe('Where it is written: `allow[0]`.'),
})

const explainPolicy = command({
  name: 'explain.policy',
  summary: 'Says which subjects a policy comes to, field by field, and who has it.',
  access: 'account',
  request: z.strictObject(whichPolicy),
  response: z.object({
    policy: policySeen,
    entries: z.array(entry).describe('Every subject that it says, in whichever words.'),
    more: z.number().optional().describe('Entries beyond those that are shown.'),
    users: z.number().describe('How many users have it by themselves.'),
    names: z.array(z.string()).describe('The first of them, as ACCOUNT/NAME.'),
    roles: z.array(z.string()).describe('Roles that have it.'),
    defaultOf: z.array(z.string()).describe('Accounts where everybody has it.'),
    boundaryOf: z.array(z.string()).describe('Accounts where it caps everybody.'),
  }),
  example: { policy: 'developer' },
  async handle({ policy, account }, scene) {
    const found = await ownPolicy(scene.tx, account, policy)
    if (!isVisible(found, scene.reach))
      throw new GatehouseError('not_found', `there is no policy "${policy}"`)
    const seen = seenPolicy(found)
    const room = new Room(LENGTH_MAX - JSON.stringify(seen).length)
    const entries = room.take(entriesOf(found), (each) => each)
    const more = room.more > 0 && { more: room.more }
    return { policy: seen, entries, ...more, ...(await usersOf(scene, found.id)) }
  },
})

export const explainCommands = { explainUser, explainToken, explainPolicy }
