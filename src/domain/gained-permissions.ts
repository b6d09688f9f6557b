import type { Side } from './entries.ts'
import { gained } from './gained.ts'
import type { Policy, SubjectRules } from './policy.ts'
import { permissionText } from './semantic-words.ts'
import { allowedSubjects, type SemanticPermission } from './semantic.ts'
import { entryCovers } from './subject-entry.ts'
import { expand, type TemplateFacts } from './template.ts'

type Lists = Readonly<Record<Side, readonly string[]>>
type Rules = Readonly<Record<Side, SubjectRules>>

/** A semantic permission that somebody came to have, and the gained subjects that this says. */
export interface GainedPermission extends Lists {
  /** `kv stock: read, watch`: of what the policy says, what brought something. */
  readonly says: string
}

/** Where the permissions come from. */
interface Giving {
  readonly policies: readonly Policy[]
  readonly facts: TemplateFacts
}

/** Permissions that are looked at for one gain. There may be thousands, and nobody reads so many. */
const LOOKED_AT_MAX = 64

/**
 * The semantic permissions by which subjects were gained that were not had before. One of which something was not
 * gained, because a deny or a boundary takes it, or of which some subject was had in part, is none of them: then only
 * subjects say what was gained. The one that says most comes first, and none says nothing but what others say.
 */
export function gainedPermissions(
  what: Lists,
  before: Rules,
  { policies, facts }: Giving,
): readonly GainedPermission[] {
  const given = policies.flatMap(({ permissions }) => permissions.allow ?? [])
  const found = given
    .filter((permission) => sizeOf(within(what, filled(permission, facts))) > 0)
    .slice(0, LOOKED_AT_MAX)
    .flatMap((permission) => {
      const part = bringing(permission, (each) => sizeOf(beyond(before, filled(each, facts))) > 0)
      const subjects = filled(part, facts)
      if (!isWhole(beyond(before, subjects), subjects, what)) return []
      const says = expand(permissionText(part), facts)
      return says.ok ? [{ says: says.subject, ...within(what, subjects) }] : []
    })
  return needed(found.sort((a, b) => sizeOf(b) - sizeOf(a)))
}

function filled(permission: SemanticPermission, facts: TemplateFacts): Lists {
  const { publish, subscribe } = allowedSubjects(permission)
  const fill = (subjects: readonly string[]): readonly string[] =>
    subjects.flatMap((subject) => {
      const filling = expand(subject, facts)
      return filling.ok ? [filling.subject] : []
    })
  return { publish: fill(publish), subscribe: fill(subscribe) }
}

/** The gained subjects that lie within others. */
function within(what: Lists, subjects: Lists): Lists {
  return both((side) => what[side].filter((each) => subjects[side].some((wide) => entryCovers(wide, each))))
}

/** What subjects say that was not allowed before. */
function beyond(before: Rules, subjects: Lists): Lists {
  return both((side) => gained(before[side], { allow: subjects[side], deny: [] }))
}

/** Does it say something new, all of which was gained, and none of which was had in part? */
function isWhole(news: Lists, subjects: Lists, what: Lists): boolean {
  if (sizeOf(news) === 0) return false
  return (['publish', 'subscribe'] as const).every((side) =>
    news[side].every(
      (each) => subjects[side].includes(each) && what[side].some((wide) => entryCovers(wide, each)),
    ),
  )
}

/** The actions, keys and subjects of a permission that bring something each by itself. */
function bringing(
  permission: SemanticPermission,
  brings: (part: SemanticPermission) => boolean,
): SemanticPermission {
  return (['may', 'keys', 'subjects'] as const).reduce((rest, field) => {
    const items = (rest as Partial<Record<typeof field, readonly string[]>>)[field] ?? []
    const kept = items.filter((item) => brings({ ...rest, [field]: [item] }))
    return kept.length === 0 ? rest : { ...rest, [field]: kept }
  }, permission)
}

function needed(found: readonly GainedPermission[]): readonly GainedPermission[] {
  const said = { publish: new Set<string>(), subscribe: new Set<string>() }
  return found.filter((permission) => {
    const news = both((side) => permission[side].filter((each) => !said[side].has(each)))
    for (const side of ['publish', 'subscribe'] as const) for (const each of news[side]) said[side].add(each)
    return sizeOf(news) > 0
  })
}

function both(list: (side: Side) => readonly string[]): Lists {
  return { publish: list('publish'), subscribe: list('subscribe') }
}

function sizeOf({ publish, subscribe }: Lists): number {
  return publish.length + subscribe.length
}
