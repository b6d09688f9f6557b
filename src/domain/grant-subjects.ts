import { entriesOf, type Effect, type Side } from './entries.ts'
import type { Permissions, Policy } from './policy.ts'
import { readEntry, type ReadEntry } from './subject-list.ts'
import { fill, isTemplate, readTemplate, valuesOf, type Template, type TemplateFacts } from './template.ts'

const SIDES = ['publish', 'subscribe'] as const
const EFFECTS = ['allow', 'deny'] as const

type Lists = Readonly<Record<Side, Readonly<Record<Effect, ReadEntry[]>>>>

type Subjects =
  | { readonly ok: true; readonly lists: Lists }
  | { readonly ok: false; readonly policy: string; readonly variable: string }

/** What policies say to one user, put together and filled in; or the first value that is missing. */
export function subjectsOf(policies: readonly Policy[], facts: TemplateFacts): Subjects {
  const values = valuesOf(facts)
  const lists = noLists()
  for (const policy of policies) {
    const { fixed, templates } = read(policy)
    for (const side of SIDES)
      for (const effect of EFFECTS) for (const entry of fixed[side][effect]) lists[side][effect].push(entry)
    for (const { side, effect, template } of templates) {
      const filled = fill(template, values)
      if (!filled.ok) return { ok: false, policy: policy.id, variable: filled.variable }
      lists[side][effect].push(readEntry(filled.subject))
    }
  }
  return { ok: true, lists }
}

function noLists(): Lists {
  return { publish: { allow: [], deny: [] }, subscribe: { allow: [], deny: [] } }
}

/** A policy read once for all users: entries that say the same to everybody, and those that ask who it is. */
interface Reading {
  readonly fixed: Lists
  readonly templates: readonly { readonly side: Side; readonly effect: Effect; readonly template: Template }[]
}

/** Stored records never change, they are replaced: the same object says the same. */
const known = new WeakMap<Permissions, Reading>()

function read(policy: Policy): Reading {
  let reading = known.get(policy.permissions)
  if (reading === undefined) {
    reading = readAnew(policy)
    known.set(policy.permissions, reading)
  }
  return reading
}

function readAnew(policy: Policy): Reading {
  const fixed = noLists()
  const templates: Reading['templates'][number][] = []
  for (const { side, effect, subject } of entriesOf(policy)) {
    if (isTemplate(subject)) templates.push({ side, effect, template: readTemplate(subject) })
    else fixed[side][effect].push(readEntry(subject))
  }
  return { fixed, templates }
}
