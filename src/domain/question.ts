import { entriesOf, variablesOf, type Entry, type Side } from './entries.ts'
import type { Grant, GrantParts } from './grant.ts'
import type { Policy, SubjectRules } from './policy.ts'
import { parseSubscribeEntry } from './subject-entry.ts'
import { overlaps } from './subject.ts'
import { expand, widestOf, type TemplateFacts } from './template.ts'
import { mayPublish, maySubscribe, type Verdict } from './verdict.ts'

/** May somebody publish this, or subscribe to it, in that queue group if there is one? */
export interface Question {
  readonly side: Side
  readonly subject: string
  readonly queue?: string | undefined
}

/** What the server will say to somebody with this grant. */
export function verdictOn({ side, subject, queue }: Question, rules: Pick<Grant, Side>): Verdict {
  return side === 'publish'
    ? mayPublish(rules.publish, subject)
    : maySubscribe(rules.subscribe, subject, queue)
}

/** An entry that may bear on a question, and whose it is. */
interface Bearing extends Pick<Entry, 'effect' | 'subject' | 'field'> {
  readonly policy: Policy
}

/**
 * What of somebody's policies bears on one question. Of most users it is the same, and little: so a hundred thousand
 * can be asked about without compiling each of their grants.
 */
export interface Brief {
  readonly question: Question
  readonly given: readonly Bearing[]
  readonly cap: readonly Bearing[] | undefined
  /** Without a value for each of these there is no grant at all. */
  readonly variables: ReadonlySet<string>
  /** Nothing in it depends on who the user is. */
  readonly isSame: boolean
}

export function briefOf(question: Question, { policies, boundary }: GrantParts): Brief {
  const given = policies.flatMap((policy) => bearingOf(question, policy))
  const cap = boundary && bearingOf(question, boundary)
  const all = boundary === undefined ? policies : [...policies, boundary]
  const variables = new Set(all.flatMap(variablesOf))
  variables.delete('user.id') // Everybody has one, and it is fit.
  const isPlain = [...given, ...(cap ?? [])].every(({ subject }) => !subject.includes('{{'))
  return { question, given, cap, variables, isSame: isPlain && variables.size === 0 }
}

function bearingOf({ side, subject }: Question, policy: Policy): readonly Bearing[] {
  return entriesOf(policy).flatMap((entry) => {
    const pattern = parseSubscribeEntry(widestOf(entry.subject)).subject
    return entry.side === side && overlaps(pattern, subject) ? [{ ...entry, policy }] : []
  })
}

/** What lets somebody do it. */
export interface Leave {
  readonly policy: Policy
  readonly field: string
  /** With templates filled in. */
  readonly entry: string
}

/** What lets this user do it, or `undefined` where nothing does. The same as the verdict on its compiled grant. */
export function leaveOf({ question, given, cap, variables }: Brief, facts: TemplateFacts): Leave | undefined {
  for (const variable of variables) if (!expand(`{{${variable}}}`, facts).ok) return undefined
  const filled = given.map((each) => fill(each, facts))
  const verdict = verdictOn(question, rulesOf(question, filled))
  if (!verdict.allowed) return undefined
  if (cap !== undefined) {
    const passing = cap.map((each) => fill(each, facts))
    if (!verdictOn(question, rulesOf(question, passing)).allowed) return undefined
  }
  const found = filled.find(({ effect, subject }) => effect === 'allow' && subject === verdict.entry)
  return found && { policy: found.policy, field: found.field, entry: found.subject }
}

function fill(bearing: Bearing, facts: TemplateFacts): Bearing {
  const filled = expand(bearing.subject, facts)
  return filled.ok ? { ...bearing, subject: filled.subject } : bearing
}

function rulesOf({ side }: Question, bearings: readonly Bearing[]): Pick<Grant, Side> {
  const of = (effect: Entry['effect']): readonly string[] =>
    bearings.filter((each) => each.effect === effect).map(({ subject }) => subject)
  const none: SubjectRules = { allow: [], deny: [] }
  return { publish: none, subscribe: none, [side]: { allow: of('allow'), deny: of('deny') } }
}
