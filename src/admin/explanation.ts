import { barring, shutting } from '../domain/barred.ts'
import { explainGrant, type Explanation, type Source } from '../domain/explain.ts'
import { allOf, compileGrant, missingValue, type Grant, type GrantParts } from '../domain/grant.ts'
import { partsOf } from '../domain/parts.ts'
import type { SubjectRules } from '../domain/policy.ts'
import { viaOf, type Via } from '../domain/via.ts'
import { recordsOf } from './compiled.ts'
import { LENGTH_MAX } from './listing.ts'
import { reasonWords } from './reason-words.ts'
import { Room } from './room.ts'
import type { View } from './transaction.ts'
import type { Found } from './user-reference.ts'

/** Why somebody would not be let in. */
export interface Refused {
  readonly reason: string
  readonly detail?: string | undefined
  readonly words: string
}

/** What the door would make of a user, by what is stored. */
export interface Standing {
  readonly refusal?: Refused | undefined
  readonly parts?: GrantParts | undefined
  readonly grant?: Grant | undefined
  readonly via: Via
}

/** Everything but who asks from where: that the door alone can know. */
export async function standingOf(view: View, { user, account }: Found, nowMs: number): Promise<Standing> {
  const records = await recordsOf(view, user, account)
  const via = viaOf(user, account, records)
  const bar = barring(user, account, nowMs)
  const barred = bar && refused(bar.reason, bar.about)
  const parts = partsOf(user, account, records)
  if ('missing' in parts) return { refusal: barred ?? refused(parts.missing, parts.id), via }
  const compiled = compileGrant(user, account, parts)
  if (compiled.ok) {
    const shut = shutting(compiled.grant)
    return {
      refusal: barred ?? (shut && refused(shut.reason, shut.about)),
      parts,
      grant: compiled.grant,
      via,
    }
  }
  return {
    refusal:
      barred ??
      refused(
        compiled.reason,
        compiled.reason === 'grant_too_large' ? undefined : missingValue(compiled, parts),
      ),
    parts,
    via,
  }
}

export function refused(reason: string, detail?: string): Refused {
  return { reason, detail, words: reasonWords(reason) }
}

/** As explain.user and its like answer it. */
export function toldStanding({ user, account }: Found, standing: Standing) {
  const { refusal, grant, parts, via } = standing
  const explained =
    grant === undefined || parts === undefined
      ? { entries: [], leftOut: [] }
      : explainGrant({ user, account }, parts, grant)
  const all = parts === undefined ? [] : allOf(parts)
  const room = new Room()
  return {
    account: { id: account.id, name: account.name },
    user: { id: user.id, name: user.name },
    ...(refusal !== undefined && { refusal }),
    ...(grant !== undefined && { grant: toldGrant(grant, room) }),
    policies: room.take(all, ({ id, name, version }) => ({ id, name, version, via: via.get(id) ?? [] })),
    ...toldEntries(explained, via, room),
  }
}

/** The grant has a quarter of the room: its entries come again, with what they come from. */
const GRANT_LENGTH_MAX = LENGTH_MAX / 4

/** A grant as far as one answer has room for it. */
export function toldGrant(grant: Grant, room: Room): Grant {
  const own = room.part(GRANT_LENGTH_MAX)
  const rules = ({ allow, deny }: SubjectRules): SubjectRules => ({
    allow: own.take(allow, itself),
    deny: own.take(deny, itself),
  })
  const told = { ...grant, publish: rules(grant.publish), subscribe: rules(grant.subscribe) }
  room.more += own.more
  return told
}

function itself(subject: string): string {
  return subject
}

/** Each entry with what it comes from, as far as one answer has room for them. */
export function toldEntries({ entries, leftOut }: Explanation, via: Via, room: Room) {
  const told = {
    entries: room.take(entries, ({ sources, within, ...entry }) => ({
      ...entry,
      sources: sources.map((source) => toldSource(source, via)),
      ...(within.length > 0 && { within: within.map((source) => toldSource(source, via)) }),
    })),
    leftOut: room.take(leftOut, ({ side, effect, subject, source, coveredBy }) => ({
      side,
      effect,
      subject,
      source: toldSource(source, via),
      ...(coveredBy !== undefined && { coveredBy }),
    })),
  }
  return { ...told, ...(room.more > 0 && { more: room.more }) }
}

export function toldSource({ policy: { id, name, version }, field, written }: Source, via: Via) {
  return { policy: name, version, via: via.get(id) ?? [], field, written }
}
