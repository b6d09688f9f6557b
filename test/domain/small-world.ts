import fc from 'fast-check'
import { parseSubscribeEntry } from '../../src/domain/subject-entry.ts'

// A world small enough to try everything in: what the patterns speak of is `a` and `b`, and `c` is anything else.

const PATTERN_TOKENS_MAX = 3
const LITERALS = ['a', 'b', 'c']
export const QUEUES = [undefined, 'p', 'q', 'r', 'p.q']

/** Every subject of up to so many of these tokens. */
export function everySubject(tokens: readonly string[], length: number): string[] {
  if (length === 1) return [...tokens]
  const shorter = everySubject(tokens, length - 1)
  return [...new Set(shorter.flatMap((head) => [head, ...tokens.map((tail) => `${head}.${tail}`)]))]
}

export const SUBJECTS = everySubject(LITERALS, PATTERN_TOKENS_MAX + 1)

/** What a pattern matches, written anew from the definition (docs: `*` is one token, `>` one or more). */
export function matches(pattern: string, subject: string): boolean {
  const source = pattern
    .split('.')
    .map((token) => (token === '*' ? '[^.]+' : token === '>' ? '.+' : token))
    .join('\\.')
  return new RegExp(`^${source}$`).test(subject)
}

/** What an entry lets one subscribe to: without a queue group any; with one, that group only. */
function entryMatches(entry: string, subject: string, queue: string | undefined): boolean {
  const { subject: pattern, queue: group } = parseSubscribeEntry(entry)
  if (!matches(pattern, subject)) return false
  return group === undefined || (queue !== undefined && matches(group, queue))
}

export const pattern = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: PATTERN_TOKENS_MAX }), fc.boolean())
  .map(([tokens, tail]) => (tail ? [...tokens, '>'].slice(-PATTERN_TOKENS_MAX) : tokens))
  .filter((tokens) => tokens.length > 0)
  .map((tokens) => tokens.join('.'))
export const entry = fc
  .tuple(pattern, fc.constantFrom(undefined, 'p', 'q', '*', '>'))
  .map(([subject, queue]) => (queue === undefined ? subject : `${subject} ${queue}`))
/** What somebody may and may not subscribe to. */
export const rules = fc.record({
  allow: fc.array(entry, { maxLength: 4 }),
  deny: fc.array(entry, { maxLength: 3 }),
})

const known = new Map<string, ReadonlySet<string>>()

function meaningOf(entry: string): ReadonlySet<string> {
  let meaning = known.get(entry)
  if (meaning === undefined) {
    meaning = new Set(
      SUBJECTS.flatMap((subject) =>
        QUEUES.filter((queue) => entryMatches(entry, subject, queue)).map(
          (queue) => `${subject} ${queue ?? ''}`,
        ),
      ),
    )
    known.set(entry, meaning)
  }
  return meaning
}

/** Each subject and queue group that a list of entries allows together, in one order. */
export function meaning(of: readonly string[]): string[] {
  return [...new Set(of.flatMap((each) => [...meaningOf(each)]))].sort()
}

/** What rules allow: a deny wins. */
export function meaningOfRules({
  allow,
  deny,
}: {
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}): string[] {
  const denied = new Set(meaning(deny))
  return meaning(allow).filter((each) => !denied.has(each))
}
