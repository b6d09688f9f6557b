import { UNSEEN } from './name.ts'

/** The longest subject accepted anywhere, in characters. nats-server's own limit is its control line (4 KiB). */
export const SUBJECT_LENGTH_MAX = 1_024

/** Two literal words of the wire format; everything else in a token is literal. */
const ANY_TOKEN = '*'
const ANY_TAIL = '>'

/**
 * Why a subject (wildcards allowed) is not valid, or `undefined` when it is: non-empty tokens between
 * dots, no white space or control characters, `>` only as the last token. As nats-io/jwt's `Subject.Validate`, and
 * nothing that is not seen: an entry is to mean what it looks like.
 */
export function subjectFault(subject: string): string | undefined {
  if (subject === '') return 'must not be empty'
  if (subject.length > SUBJECT_LENGTH_MAX) return `must be at most ${SUBJECT_LENGTH_MAX} characters`
  if (/[\s\p{Cc}]/u.test(subject)) return 'must not contain spaces or control characters'
  if (UNSEEN.test(subject)) return 'must not contain characters that are not seen'
  const tokens = subject.split('.')
  if (tokens.includes('')) return 'must not contain empty tokens'
  if (tokens.indexOf(ANY_TAIL) !== -1 && tokens.indexOf(ANY_TAIL) !== tokens.length - 1) {
    return '">" may only be the last token'
  }
  return undefined
}

/** Does the pattern cover every subject that the other one matches? A literal is covered by what matches it. */
export function covers(pattern: string, other: string): boolean {
  const wide = pattern.split('.')
  const narrow = other.split('.')
  for (let i = 0; i < wide.length; i += 1) {
    if (wide[i] === ANY_TAIL) return narrow.length > i
    if (i >= narrow.length || narrow[i] === ANY_TAIL) return false
    if (wide[i] !== ANY_TOKEN && wide[i] !== narrow[i]) return false
  }
  return wide.length === narrow.length
}

/**
 * Does the pattern match the subject as it stands? So nats-server reads what is published and subscribed to: wildcards
 * in it are tokens like others.
 */
export function matches(pattern: string, subject: string): boolean {
  for (let i = 0, j = 0; ;) {
    const [end, endOfOther] = [endOfToken(pattern, i), endOfToken(subject, j)]
    const isWord = end - i === 1
    if (isWord && pattern[i] === ANY_TAIL) return true
    if (!(isWord && pattern[i] === ANY_TOKEN) && pattern.slice(i, end) !== subject.slice(j, endOfOther))
      return false
    if (end === pattern.length || endOfOther === subject.length)
      return end === pattern.length && endOfOther === subject.length
    i = end + 1
    j = endOfOther + 1
  }
}

function endOfToken(subject: string, start: number): number {
  const end = subject.indexOf('.', start)
  return end === -1 ? subject.length : end
}

/** Is there a subject that both match? */
export function overlaps(left: string, right: string): boolean {
  const a = left.split('.')
  const b = right.split('.')
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const [x, y] = [a[i], b[i]]
    if (x === undefined || y === undefined) return false
    if (x === ANY_TAIL || y === ANY_TAIL) return true
    if (x !== y && x !== ANY_TOKEN && y !== ANY_TOKEN) return false
  }
  return true
}

/** The subject that matches exactly what both match, or `undefined` when nothing is matched by both. */
export function intersection(left: string, right: string): string | undefined {
  const a = left.split('.')
  const b = right.split('.')
  const both: string[] = []
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const [x, y] = [a[i], b[i]]
    if (x === undefined || y === undefined) return undefined
    if (x === ANY_TAIL) return [...both, ...b.slice(i)].join('.')
    if (y === ANY_TAIL) return [...both, ...a.slice(i)].join('.')
    if (x !== y && x !== ANY_TOKEN && y !== ANY_TOKEN) return undefined
    both.push(x === ANY_TOKEN ? y : x)
  }
  return both.join('.')
}

/** Of `>` without so many tokens each length is a subject of its own; nobody means more of them than this. */
const LENGTHS_MAX = 32

/**
 * What the one matches and the other does not, as subjects that exclude each other; `undefined` where no subjects say
 * that: there is none for "any token but `a`". There are for lengths: `a.>` without `a.*.*` is `a.*` and `a.*.*.*.>`.
 */
export function difference(subject: string, without: string): readonly string[] | undefined {
  const both = intersection(subject, without)
  if (both === undefined) return [subject]
  if (both === subject) return []
  const head = subject.split('.')
  if (head.pop() !== ANY_TAIL) return undefined
  const rest = both.split('.')
  if (head.some((token, i) => rest[i] !== token)) return undefined
  rest.splice(0, head.length)
  const isOpen = rest.at(-1) === ANY_TAIL
  const length = isOpen ? rest.length - 1 : rest.length
  if (length > LENGTHS_MAX || rest.slice(0, length).some((token) => token !== ANY_TOKEN)) return undefined
  const ofLength = (n: number, ...tail: string[]): string => [...head, ...rest.slice(0, n), ...tail].join('.')
  const shorter = Array.from({ length: isOpen ? length : length - 1 }, (_, n) => ofLength(n + 1))
  return isOpen ? shorter : [...shorter, ofLength(length, ANY_TAIL)]
}
