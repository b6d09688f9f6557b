import { z } from 'zod'
import type { Cause } from '../sessions/kicking.ts'
import { sessionId, type Session, type SessionId } from '../sessions/session.ts'
import { command, type Scene } from './command.ts'
import { faulty } from './faults.ts'
import { reason } from './fields.ts'
import { sessionOfId, sessionReference } from './session-list.ts'
import { selecting, selectionOf, type Selecting, type Selection } from './session-selection.ts'
import type { CommandContext } from './transaction.ts'

/** Ends sessions because somebody says so. */

/** A command that names more is a filter in disguise. */
const NAMED_MAX = 500
/** Read at a time, while everybody else waits for their turn. */
const PAGE = 500

const kickSessions = command({
  name: 'session.kick',
  summary:
    'Ends sessions. Their clients come back by themselves, unless the user is locked or the credential revoked first.',
  access: 'account',
  places: ['ids'],
  request: z.strictObject({
    ids: z
      .array(sessionReference)
      .min(1)
      .max(NAMED_MAX)
      .optional()
      .describe('Ids of sessions, as session.list tells them. Nothing else is said then of which.'),
    ...selecting,
    reason,
  }),
  response: z.object({
    affected: z.number().describe('Sessions that were meant.'),
    kicked: z.number().describe('Ended so far.'),
    left: z.number().describe('Still to be ended: that goes on by itself.'),
  }),
  example: { account: 'ORDERS', user: 'alice@example.com', reason: 'moving to the new servers' },
  async handle({ ids, reason, ...asked }, scene) {
    const sessions = await meant(scene, ids, asked)
    const { affected, kicked, left } = await scene.evictions.evict(
      sessions,
      causeOf(scene.tx.context, reason),
    )
    return { affected, kicked, left }
  },
})

/** What must be said, and what must not stand beside it. Throws `invalid_request`, or `not_found` for any of the ids. */
async function meant(
  scene: Scene,
  ids: readonly string[] | undefined,
  asked: Selecting,
): Promise<readonly Session[]> {
  const words = Object.entries(asked).flatMap(([word, value]) => (value === undefined ? [] : [word]))
  if (ids === undefined && words.length === 0)
    throw faulty([
      { where: 'ids', rule: 'say which sessions: their ids, or account, user, credential or policy' },
    ])
  if (ids === undefined) {
    return selected(scene, await selectionOf(scene, asked))
  }
  const [word] = words
  if (word !== undefined)
    throw faulty([{ where: word, rule: 'must not stand beside ids, which say already which sessions' }])
  return Promise.all([...new Set(ids)].map((id) => sessionOfId(scene, id as SessionId)))
}

/** Of those that are stored, and of those that are known here and may not be stored yet: each once. */
async function selected(
  { sessions, breathe }: Pick<Scene, 'sessions' | 'breathe'>,
  { filter, includes }: Selection,
): Promise<readonly Session[]> {
  const found = new Map<SessionId, Session>()
  for (let after: number | undefined = 0; after !== undefined;) {
    const { entries, next } = await sessions.page(filter, { after, limit: PAGE })
    for (const session of entries.map(({ value }) => value as Session))
      if (includes(session)) found.set(sessionId(session), session)
    after = next
    await breathe()
  }
  for (const session of sessions.open()) if (includes(session)) found.set(sessionId(session), session)
  return [...found.values()]
}

function causeOf({ correlationId, actor }: CommandContext, reason: string): Cause {
  return { reason: 'command', detail: reason, correlationId, actor }
}

export const sessionKickCommands = { kickSessions }
