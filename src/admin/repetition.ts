import { answerKey } from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import type { Command, Secrets } from './command.ts'
import type { Actor, AnswerRecord, AuditEvent, Committed, Transaction } from './transaction.ts'

/** A command that its caller named, so that a repetition can be told from a second command. */
interface Named {
  readonly command: Command
  readonly actor: Actor
  /** The id of the user where it is known: who gets a name later is somebody else. */
  readonly userId?: string | undefined
  readonly commandId: string
  readonly request: unknown
}

/** What is kept of an answer: the revision itself, or how far before the record's own it is. */
type Kept = {
  /** `Answered`, for it may hold a token. */
  readonly sealed: unknown
  readonly events: readonly AuditEvent[]
} & ({ readonly offset: number } | { readonly revision: number })

interface Answered {
  /** Of name and request: the same id for something else is a mistake. Sealed: it would be a quick test of a password. */
  readonly asked: string
  readonly reply: Readonly<Record<string, unknown>>
}

const TTL_SECONDS = 86_400

/** Gives a repeated command its first answer, on whatever replica and after whatever restart, for a day. */
export function repetition(secrets: Secrets, { command, actor, userId, commandId, request }: Named) {
  const digest = (of: unknown): string => secrets.digest(JSON.stringify(of))
  const key = answerKey(digest([actor.account, userId ?? actor.user, commandId]))
  const asked = digest([command.name, request])
  return {
    async answer(tx: Transaction): Promise<(Committed & Readonly<Record<string, unknown>>) | undefined> {
      const { value, revision: own } = await tx.stored(key)
      if (value === undefined) return undefined
      const kept = value as Kept
      const answered = JSON.parse(secrets.open(kept.sealed)) as Answered
      if (answered.asked !== asked) {
        throw new GatehouseError(
          'already_exists',
          `command "${commandId}" was something else: use another commandId`,
          { faults: [{ where: 'commandId', rule: 'must be one that no other command had' }] },
        )
      }
      const revision = 'offset' in kept ? own - kept.offset : kept.revision
      return { ...answered.reply, revision, events: kept.events }
    },
    record(reply: Readonly<Record<string, unknown>>): AnswerRecord {
      const answered: Answered = { asked, reply }
      const sealed = secrets.seal(key, JSON.stringify(answered))
      return { key, ttlSeconds: TTL_SECONDS, value: (events) => ({ sealed, events }) }
    },
  }
}
