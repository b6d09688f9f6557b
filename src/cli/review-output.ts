import type { Consequences, Sessions } from '../admin/consequences.ts'
import { misused } from './options.ts'
import { plain } from './table.ts'
import { styled, type Outlet } from './terminal.ts'

type Review = Omit<Consequences, 'sessions'>
type Group = Review['gains'][number]
type Difference = Group['what']

/** How many users are told by name unless somebody says otherwise. */
const NAMES_SHOWN = 10

export const NAMES_FLAG = [
  '--names <n>',
  `how many users to name, of those who gain or lose the same (default: ${NAMES_SHOWN})`,
] as const

/** Throws `invalid_request` for what is no number. */
export function namesShown({ names }: { readonly names?: string }): number {
  if (names === undefined) return NAMES_SHOWN
  if (/^\d{1,6}$/.test(names)) return Number(names)
  throw misused('--names', 'must be a whole number, 0 or more')
}

/** Of subjects on one side that one group gains or loses. */
const SUBJECTS_SHOWN = 8
/** Of groups: where a template is in what changes, everybody may be one. */
const GROUPS_SHOWN = 50

/** Who gains and who loses, a line for each group of users with the same. */
export function reviewLines(
  out: Outlet,
  { refused, gains, losses, changes }: Review,
  names: number,
): readonly string[] {
  if (refused.length + gains.length + losses.length + changes.length === 0)
    return ['Nobody gains or loses anything.']
  const lines = (groups: readonly Group[], verb: Verb): readonly string[] => {
    const shown = groups.slice(0, GROUPS_SHOWN)
    const rest = groups.slice(GROUPS_SHOWN).reduce((sum, { users }) => sum + users.length, 0)
    return [
      ...shown.map((group) => styled(out, STYLES[verb], lineOf(group, verb, names))),
      ...(rest === 0 ? [] : [`${people(rest)} more ${verb}${rest === 1 ? 's' : ''} something of their own`]),
    ]
  }
  return [
    ...refusedLines(out, refused, names),
    ...lines(gains, 'gain'),
    ...lines(losses, 'lose'),
    ...lines(changes, 'change'),
  ]
}

const STYLES = { gain: 'green', lose: 'red', change: 'yellow' } as const
type Verb = keyof typeof STYLES

/** Of one user, and of several. */
const VERBS: Readonly<Record<Verb, readonly [string, string]>> = {
  gain: ['gains', 'gain'],
  lose: ['loses', 'lose'],
  change: ['has changed limits:', 'have changed limits:'],
}

function refusedLines(out: Outlet, refused: Review['refused'], names: number): readonly string[] {
  const rest = refused.slice(GROUPS_SHOWN).reduce((sum, { users }) => sum + users.length, 0)
  return [
    ...refused
      .slice(0, GROUPS_SHOWN)
      .map(({ why, users }) =>
        styled(out, 'red', told(users, { says: `would not be let in: ${why}`, names })),
      ),
    ...(rest === 0 ? [] : [`${people(rest)} more would not be let in`]),
  ]
}

/** How many connections are met, in a sentence. */
export function sessionsLine(sessions: Sessions): string {
  if (!sessions.known) return plain(`How many live sessions that concerns is not known: ${sessions.why}`)
  const { sessions: count, isAtMost } = sessions
  if (count === 0) return 'That concerns no live session.'
  return `That concerns ${isAtMost ? 'at most ' : ''}${count === 1 ? '1 live session' : `${count} live sessions`}.`
}

export function consequenceLines(out: Outlet, consequences: Consequences, names: number): readonly string[] {
  const lines = reviewLines(out, consequences, names)
  return consequences.affected.length === 0 ? lines : [...lines, sessionsLine(consequences.sessions)]
}

function lineOf({ what, users }: Group, verb: Verb, names: number): string {
  const [one, many] = VERBS[verb]
  return told(users, { says: `${users.length === 1 ? one : many} ${inWords(what)}`, names })
}

/** A sentence about users, and who they are. */
function told(
  users: Group['users'],
  { says, names }: { readonly says: string; readonly names: number },
): string {
  const [first] = users
  const isOne = users.every(({ account }) => account === first?.account)
  const where = isOne ? ` of ${first?.account ?? ''}` : ''
  const shown = users.slice(0, names).map(({ account, user }) => (isOne ? user : `${user} of ${account}`))
  const rest = users.length - shown.length
  const who = rest === 0 ? shown : [...shown, `${rest} more`]
  const named = names === 0 ? '' : `: ${who.join(', ')}`
  return plain(`${people(users.length)}${where} ${says}${named}`)
}

function people(count: number): string {
  return count === 1 ? '1 user' : `${count} users`
}

/** What a permission says is not said again by its subjects. */
function inWords({ permissions, other, ...subjects }: Difference): string {
  const side = (name: 'publish' | 'subscribe'): readonly string[] => {
    const said = new Set(permissions.flatMap((permission) => permission[name]))
    const rest = subjects[name].filter((subject) => !said.has(subject))
    return rest.length === 0 ? [] : [`${name} ${listed(rest)}`]
  }
  const permitted = permissions.map(({ says }) => says)
  return [...permitted, ...side('publish'), ...side('subscribe'), ...other].join('; ')
}

function listed(subjects: readonly string[]): string {
  const shown = subjects
    .slice(0, SUBJECTS_SHOWN)
    .map((subject) => (subject.includes(' ') ? `"${subject}"` : subject))
  const rest = subjects.length - shown.length
  return `${shown.join(', ')}${rest === 0 ? '' : ` and ${rest} more`}`
}

/** The same for programs. Of users as many by name as people are shown; the number says how many there are. */
export function reviewWritten({ refused, gains, losses, changes }: Review, names: number) {
  const written = ({ what, users }: Group): WrittenGroup => ({
    ...what,
    count: users.length,
    users: users.slice(0, names),
  })
  return {
    refused: refused.map(({ why, users }) => ({ why, count: users.length, users: users.slice(0, names) })),
    gains: gains.map(written),
    losses: losses.map(written),
    changes: changes.map(written),
  }
}

type WrittenGroup = Difference & Pick<Group, 'users'> & { readonly count: number }

export function consequencesWritten(consequences: Consequences, names: number) {
  const { affected, sessions } = consequences
  return {
    ...reviewWritten(consequences, names),
    affected: affected.length,
    sessions: sessions.known ? sessions.sessions : null,
    ...(sessions.known ? { isAtMost: sessions.isAtMost } : { sessionsUnknown: sessions.why }),
  }
}
