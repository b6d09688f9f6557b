import { entriesOf, type Effect, type Side } from './entries.ts'
import type { Grant, GrantParts } from './grant.ts'
import type { Policy } from './policy.ts'
import { entryCovers } from './subject-entry.ts'
import { overlapsAmong } from './subject-list.ts'
import { expand, type TemplateFacts } from './template.ts'

/** Where an entry is written. */
export interface Source {
  readonly policy: Policy
  /** The field: `publish.allow[0]`. */
  readonly field: string
  /** As it is written there, templates and all. */
  readonly written: string
}

/** One entry of a grant, and what it comes from. */
export interface ExplainedEntry {
  readonly side: Side
  readonly effect: Effect
  readonly subject: string
  /** What gives it, or denies it. Of a capped entry: what it is a part of. */
  readonly sources: readonly Source[]
  /** What of the boundary lets it through. */
  readonly within: readonly Source[]
}

/** An entry that a policy has and the grant has not. */
export interface LeftOut {
  readonly side: Side
  readonly effect: Effect
  readonly subject: string
  readonly source: Source
  /** The entry of the grant that says more than it; absent where the boundary lets nothing of it through. */
  readonly coveredBy?: string | undefined
}

export interface Explanation {
  readonly entries: readonly ExplainedEntry[]
  readonly leftOut: readonly LeftOut[]
}

interface Given {
  readonly side: Side
  readonly effect: Effect
  readonly subject: string
  readonly source: Source
}

/** For each entry of a grant which policies say it, and which of theirs it does not have. Pure. */
export function explainGrant(
  facts: TemplateFacts,
  { policies, boundary }: GrantParts,
  grant: Grant,
): Explanation {
  const given = policies.flatMap((policy) => givenBy(policy, facts))
  const cap = boundary === undefined ? [] : givenBy(boundary, facts)
  const entries: ExplainedEntry[] = []
  const leftOut: LeftOut[] = []
  for (const side of ['publish', 'subscribe'] as const) {
    for (const effect of ['allow', 'deny'] as const) {
      const of = (all: readonly Given[]): readonly Given[] =>
        all.filter((each) => each.side === side && each.effect === effect)
      // Denies of the boundary are denies; what it allows gives nothing to anybody.
      const saying = effect === 'allow' ? of(given) : of([...given, ...cap])
      const sources = sourcesAmong(saying)
      const within = sourcesAmong(effect === 'allow' ? of(cap) : [])
      const final = grant[side][effect]
      for (const subject of final)
        entries.push({ side, effect, subject, sources: sources(subject), within: within(subject) })
      leftOut.push(...missing(saying, final))
    }
  }
  return { entries, leftOut }
}

function givenBy(policy: Policy, facts: TemplateFacts): Given[] {
  return entriesOf(policy).flatMap(({ side, effect, subject: written, field }) => {
    const filled = expand(written, facts)
    return filled.ok ? [{ side, effect, subject: filled.subject, source: { policy, field, written } }] : []
  })
}

/** What of these says as much as an entry, or more. */
function sourcesAmong(given: readonly Given[]): (entry: string) => readonly Source[] {
  const bySubject = new Map<string, Source[]>()
  for (const { subject, source } of given) {
    const known = bySubject.get(subject)
    if (known === undefined) bySubject.set(subject, [source])
    else known.push(source)
  }
  const near = overlapsAmong([...bySubject.keys()])
  return (entry) =>
    near(entry).flatMap((subject) => (entryCovers(subject, entry) ? (bySubject.get(subject) ?? []) : []))
}

function missing(given: readonly Given[], final: readonly string[]): readonly LeftOut[] {
  const has = new Set(final)
  const near = overlapsAmong(final)
  return given.flatMap((each) => {
    const { subject } = each
    if (has.has(subject)) return []
    const about = near(subject)
    if (about.some((entry) => entryCovers(subject, entry))) return []
    return [{ ...each, coveredBy: about.find((entry) => entryCovers(entry, subject)) }]
  })
}
