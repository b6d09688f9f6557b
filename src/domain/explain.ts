import { entriesOf, type Effect, type Side } from './entries.ts'
import type { Grant, GrantParts } from './grant.ts'
import type { Policy } from './policy.ts'
import { coveringAmong } from './subject-list.ts'
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

/** What of these says as much as an entry, or more; as much only, of what takes too long to tell. */
function sourcesAmong(given: readonly Given[]): (entry: string) => readonly Source[] {
  const bySubject = new Map<string, Source[]>()
  for (const { subject, source } of given) {
    const known = bySubject.get(subject)
    if (known === undefined) bySubject.set(subject, [source])
    else known.push(source)
  }
  const covering = coveringAmong([...bySubject.keys()])
  return (entry) => (covering(entry) ?? [entry]).flatMap((subject) => bySubject.get(subject) ?? [])
}

/** Of what takes too long to tell nothing is told. */
function missing(given: readonly Given[], final: readonly string[]): readonly LeftOut[] {
  const has = new Set(final)
  const others = given.filter(({ subject }) => !has.has(subject))
  const above = coveringAmong([...new Set(others.map(({ subject }) => subject))])
  const inPart = new Set(final.flatMap((entry) => above(entry) ?? []))
  const covering = coveringAmong(final)
  return others.flatMap((each) => {
    const coverers = inPart.has(each.subject) ? undefined : covering(each.subject)
    return coverers === undefined ? [] : [{ ...each, coveredBy: coverers[0] }]
  })
}
