import { entriesOf, variablesOf, type Entry, type Side } from './entries.ts'
import { allOf, type Grant, type GrantParts } from './grant.ts'
import type { Policy, SubjectRules } from './policy.ts'
import { parseSubscribeEntry } from './subject-entry.ts'
import { entryMatches } from './subject-list.ts'
import { overlaps } from './subject.ts'
import {
  fill,
  isTemplate,
  readTemplate,
  valuesOf,
  widestOf,
  type Template,
  type TemplateFacts,
  type Values,
} from './template.ts'
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

/** What lets somebody do it. */
export interface Leave {
  readonly policy: Policy
  readonly field: string
  /** With templates filled in. */
  readonly entry: string
}

/** An entry that some may be allowed or denied it by: that depends on who they are. */
interface Personal {
  readonly field: string
  readonly template: Template
}

/** What one policy says to a question. */
interface Bearing {
  readonly policy: Policy
  /** Whether it denies it to everybody. */
  readonly denies: boolean
  /** What allows it to everybody. */
  readonly leave: Leave | undefined
  readonly allow: readonly Personal[]
  readonly deny: readonly Personal[]
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

/** For a question that is asked about many: each policy is looked at once. */
export function briefing(question: Question): (parts: GrantParts) => Brief {
  const known = new Map<Policy, Bearing>()
  const bearingOf = (policy: Policy): Bearing => {
    let bearing = known.get(policy)
    if (bearing === undefined) known.set(policy, (bearing = read(question, policy)))
    return bearing
  }
  return (parts) => {
    const given = parts.policies.map(bearingOf)
    const cap = parts.boundary && [bearingOf(parts.boundary)]
    const variables = new Set(allOf(parts).flatMap(variablesOf))
    variables.delete('user.id') // Everybody has one, and it is fit.
    const isPlain = [...given, ...(cap ?? [])].every(({ allow, deny }) => allow.length + deny.length === 0)
    return { question, given, cap, variables, isSame: isPlain && variables.size === 0 }
  }
}

function read(question: Question, policy: Policy): Bearing {
  const personal: Record<Entry['effect'], Personal[]> = { allow: [], deny: [] }
  let denies = !isOpenToAnybody(question)
  let leave: Leave | undefined
  for (const { side, effect, subject, field } of entriesOf(policy)) {
    if (side !== question.side) continue
    if (isTemplate(subject)) {
      const widest = parseSubscribeEntry(widestOf(subject)).subject
      if (overlaps(widest, question.subject))
        personal[effect].push({ field, template: readTemplate(subject) })
    } else if (entryMatches(subject, question.subject, question.queue)) {
      if (effect === 'deny') denies = true
      else leave ??= { policy, field, entry: subject }
    }
  }
  return { policy, denies, leave, ...personal }
}

/** Some subjects, and a queue group, the server lets nobody have. */
function isOpenToAnybody(question: Question): boolean {
  const everything: SubjectRules = { allow: ['>'], deny: [] }
  return verdictOn(question, { publish: everything, subscribe: everything }).allowed
}

/** What lets this user do it, or `undefined` where nothing does. The same as the verdict on its compiled grant. */
export function leaveOf({ question, given, cap, variables }: Brief, facts: TemplateFacts): Leave | undefined {
  const values = valuesOf(facts)
  for (const variable of variables) if (values(variable) === undefined) return undefined
  const asked = { ...question, values }
  if (cap !== undefined && leaveAmong(cap, asked) === undefined) return undefined
  return leaveAmong(given, asked)
}

type Asked = Question & { readonly values: Values }

/** Fills in no more templates than it takes. */
function leaveAmong(bearings: readonly Bearing[], asked: Asked): Leave | undefined {
  if (bearings.some(({ denies }) => denies)) return undefined
  if (bearings.some(({ deny }) => deny.some((each) => filled(each, asked) !== undefined))) return undefined
  const plain = bearings.find(({ leave }) => leave !== undefined)
  if (plain !== undefined) return plain.leave
  for (const { policy, allow } of bearings)
    for (const each of allow) {
      const entry = filled(each, asked)
      if (entry !== undefined) return { policy, field: each.field, entry }
    }
  return undefined
}

/** The entry as it is for this user, where it is about what is asked. */
function filled({ template }: Personal, { subject, queue, values }: Asked): string | undefined {
  const found = fill(template, values)
  return found.ok && entryMatches(found.subject, subject, queue) ? found.subject : undefined
}
