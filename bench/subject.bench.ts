import { bench, describe } from 'vitest'
import { mayPublish } from '../src/domain/verdict.ts'
import { covers } from '../src/domain/subject.ts'

// Question: what does it cost to ask rules of a thousand entries whether a subject may be published? The peer is a loop
// over all of them. Run with `npm run bench`.

const ENTRIES = 1_000

const allow = Array.from({ length: ENTRIES }, (_, n) =>
  n % 4 === 0
    ? `orders.team-${n}.*.created`
    : n % 4 === 1
      ? `stock.shelf-${n}.>`
      : `events.item-${n}.changed`,
)
const rules = { allow, deny: ['orders.*.secret.>'] }
const asked = [0, 250, 501, 999].map((n) => allow[n]!.replace('*', 'x').replace('>', 'y.z'))
if (asked.some((subject) => !mayPublish(rules, subject).allowed)) throw new Error('refused')

let n = 0
const next = (): string => asked[(n += 1) % asked.length]!

describe(`rules of ${ENTRIES} entries`, () => {
  bench('asked again', () => {
    mayPublish(rules, next())
  })

  bench('asked once', () => {
    mayPublish({ ...rules }, next())
  })

  bench('peer: each entry in turn', () => {
    const subject = next()
    allow.find((entry) => covers(entry, subject))
  })
})
