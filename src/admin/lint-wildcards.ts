import { entriesOf, type Entry } from '../domain/entries.ts'
import { overheard } from '../domain/overheard.ts'
import type { Policy } from '../domain/policy.ts'
import { parseSubscribeEntry } from '../domain/subject-entry.ts'
import { covers } from '../domain/subject.ts'
import { widestOf } from '../domain/template.ts'
import type { Found, Linted } from './lint.ts'

/** Rules about what nats-server makes of `*` and `>`. */

/** Tokens such as `_INBOX_*`, which look like patterns: to nats-server they are that very text. */
export function literalFindings(policy: Policy): readonly Found[] {
  return entriesOf(policy).flatMap(({ side, subject, field }): readonly Found[] => {
    const token = tokensOf(subject).find((text) => text.length > 1 && /[*>]/.test(text))
    if (token === undefined) return []
    const message = `${side} "${subject}": to nats-server ${token} is that very text, and no pattern: * and > stand for whole tokens`
    return [{ rule: 'literal-wildcard', severity: 'warning', field, subject, message }]
  })
}

function tokensOf(subject: string): readonly string[] {
  return parseSubscribeEntry(widestOf(subject)).subject.split('.')
}

/**
 * Entries with a last `*` by which more is heard than they say, by policy: nats-server takes a subscription to `a.>`
 * for one of `a.*`, and where something longer is allowed besides, that cannot be denied.
 */
export function overheardFindings({ census, held }: Linted): ReadonlyMap<string, readonly Found[]> {
  const findings = new Map<string, Map<string, Found>>()
  for (const holding of new Set([...census.users.values()].map(held))) {
    if (!holding.ok) continue
    const heard = overheard(holding.grant.subscribe)
    if (heard.length === 0) continue
    for (const policy of holding.parts.policies)
      for (const entry of entriesOf(policy)) {
        const more = heard.find((each) => isHeardBy(entry, each))
        if (more === undefined) continue
        const known = findings.get(policy.id) ?? new Map<string, Found>()
        findings.set(policy.id, known.set(entry.field, findingOf(entry, more)))
      }
  }
  return new Map([...findings].map(([id, found]) => [id, [...found.values()]]))
}

function isHeardBy({ side, effect, subject: written }: Entry, heard: string): boolean {
  const subject = parseSubscribeEntry(widestOf(written)).subject
  if (side !== 'subscribe' || effect !== 'allow' || !/(?:^|\.)\*$/.test(subject)) return false
  return covers(`${subject}.>`, parseSubscribeEntry(heard).subject)
}

function findingOf({ subject, field }: Entry, more: string): Found {
  const message = `subscribe "${subject}": who has it hears ${more} too, for nats-server takes a subscription to a last > as one that * allows: write whole subjects, or > if that is meant`
  return { rule: 'overheard', severity: 'warning', field, subject, message }
}
