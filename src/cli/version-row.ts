import { isMap } from './body.ts'
import { cell, type Row } from './table.ts'

/** Characters of lists that are shown whole; longer ones are counted. */
const SHORT = 24

/** A version of a policy as a row: what it allowed in short, who made it so, and when. */
export function versionRow({ version, name, description, permissions, limits, ...rest }: Row): Row {
  const { delegable, by, at } = rest
  const allowed = isMap(permissions) ? permissions : {}
  return {
    version,
    name,
    description,
    publish: rulesOf(allowed['publish']),
    subscribe: rulesOf(allowed['subscribe']),
    words: rulesOf(allowed),
    responses: cell(allowed['responses']),
    inbox: allowed['inbox'],
    limits: cell(limits),
    ...(delegable === true && { delegable }),
    by: isMap(by) ? by['user'] : by,
    when: at,
  }
}

export function isVersion(item: Row): boolean {
  return typeof item['version'] === 'number' && isMap(item['permissions']) && isMap(item['by'])
}

/** `orders.>, not orders.delete`, or `allow 12, deny 3` where that would be long. */
function rulesOf(rules: unknown): string {
  const { allow = [], deny = [] } = (isMap(rules) ? rules : {}) as Readonly<
    Record<string, readonly unknown[]>
  >
  const words = [
    ...allow.map((subject) => cell(subject)),
    ...deny.map((subject) => `not ${cell(subject)}`),
  ].join(', ')
  if (words.length <= SHORT) return words
  const counts = { ...(allow.length > 0 && { allow }), ...(deny.length > 0 && { deny }) }
  return Object.entries(counts)
    .map(([word, { length }]) => `${word} ${length}`)
    .join(', ')
}
