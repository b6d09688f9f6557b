import { entriesOf, type Entry } from '../domain/entries.ts'
import { OPERATOR_SCOPE, type Policy } from '../domain/policy.ts'
import { entryCovers, parseSubscribeEntry } from '../domain/subject-entry.ts'
import { covers, overlaps } from '../domain/subject.ts'
import { variablesIn, widestOf } from '../domain/template.ts'
import type { Found, Linted } from './lint.ts'

/** Rules about single entries of a policy. */

const COMMANDS = 'auth.v1.>'
/** Whole parts of NATS, from the widest on: what covers one is told once. */
const WHOLES = [
  { subject: '$SYS.>', severity: 'error', what: 'all of the system services: name the ones that are needed' },
  {
    subject: '$JS.>',
    severity: 'error',
    what: 'all of JetStream: say under allow: which streams and consumers, and what with them',
  },
  {
    subject: '$JS.API.>',
    severity: 'error',
    what: 'the whole JetStream API: say under allow: which streams and consumers, and what with them',
  },
  { subject: '$KV.>', severity: 'warning', what: 'every bucket: say under allow: which kv' },
] as const

/** Entries that allow whole parts of NATS, or every command outside ADMIN. */
export function broadFindings(policy: Policy, linted: Linted): readonly Found[] {
  return entriesOf(policy).flatMap((entry): readonly Found[] => {
    if (entry.effect === 'deny') return []
    const { subject } = parseSubscribeEntry(flat(entry.subject))
    const whole = wildcards(subject) ?? WHOLES.find((each) => covers(subject, each.subject))
    const about = { rule: 'too-broad', field: entry.field, subject: entry.subject } as const
    const word = `${entry.side} "${entry.subject}" allows`
    if (whole !== undefined) return [{ ...about, severity: whole.severity, message: `${word} ${whole.what}` }]
    if (entry.side !== 'publish' || !covers(subject, COMMANDS)) return []
    const outside = outsidersOf(policy, linted)
    if (outside === undefined) return []
    const message = `${word} every command, and users of ${outside} have it: name the commands that they are to send`
    return [{ ...about, severity: 'error', message }]
  })
}

/** `*.>` and `*.*.>` leave out hardly more than `>` does. */
function wildcards(subject: string): { readonly severity: 'error'; readonly what: string } | undefined {
  const remedy = 'NATS’s own subjects included: name what is meant, from the first token on'
  if (subject === '>') return { severity: 'error', what: `everything, ${remedy}` }
  const isOpen = subject !== '*' && subject.split('.').every((token) => token === '*' || token === '>')
  return isOpen ? { severity: 'error', what: `everything of so many tokens, ${remedy}` } : undefined
}

function outsidersOf({ id }: Policy, { census, holders }: Linted): string | undefined {
  const accounts = (holders.get(id) ?? []).map(({ account }) => census.accounts.get(account))
  return accounts.find((account) => account !== undefined && account.role !== 'admin')?.name
}

/** Fields that another field of the same policy says already, or takes away whole. */
export function shadowFindings(policy: Policy): readonly Found[] {
  const entries = entriesOf(policy).filter(({ field }) => field !== 'inbox')
  const fields = [...new Set(entries.map(({ field }) => field))]
  return fields.flatMap((field, index): readonly Found[] => {
    const own = entries.filter((entry) => entry.field === field)
    const others = entries.filter((entry) => entry.field !== field)
    const [first] = own
    if (first === undefined) return []
    const about = { rule: 'shadowed', severity: 'warning', field, subject: first.subject } as const
    const denier = first.effect === 'allow' ? coverOf(own, others, 'deny') : undefined
    if (denier !== undefined)
      return [
        {
          ...about,
          message: `${said(first)} allows nothing: ${said(denier)} denies all of it; remove one of them`,
        },
      ]
    // Of two that say the same the later one is told.
    const wider = others.filter((other) => fields.indexOf(other.field) < index || !isCovered(other, own))
    const cover = coverOf(own, wider, first.effect)
    if (cover === undefined) return []
    return [{ ...about, message: `${said(first)} says nothing new: ${said(cover)} covers it; remove it` }]
  })
}

/** What covers every entry, if something does. */
function coverOf(
  own: readonly Entry[],
  others: readonly Entry[],
  effect: Entry['effect'],
): Entry | undefined {
  const meant = others.filter((other) => other.effect === effect)
  const covers = own.map((entry) => meant.find((other) => isCovered(entry, [other])))
  return covers.every((cover) => cover !== undefined) ? covers[0] : undefined
}

function isCovered(entry: Entry, others: readonly Entry[]): boolean {
  return others.some(
    (other) => other.side === entry.side && entryCovers(flat(other.subject), flat(entry.subject)),
  )
}

/** Denies of what no policy allows that one user could have beside it. */
export function idleFindings(policy: Policy, { census: { policies } }: Linted): readonly Found[] {
  const met = [...policies.values()].filter(
    ({ scope }) => [scope, policy.scope].includes(OPERATOR_SCOPE) || scope === policy.scope,
  )
  const allowed = met.flatMap(entriesOf).filter(({ effect }) => effect === 'allow')
  const denies = entriesOf(policy).filter(({ effect, field }) => effect === 'deny' && field !== 'inbox')
  const isIdle = (deny: Entry): boolean =>
    !allowed.some(
      ({ side, subject }) =>
        side === deny.side && overlaps(widestSubject(deny.subject), widestSubject(subject)),
    )
  const fields = [...new Set(denies.map(({ field }) => field))]
  return fields.flatMap((field): readonly Found[] => {
    const own = denies.filter((deny) => deny.field === field)
    const [first] = own
    if (first === undefined || !own.every(isIdle)) return []
    const message = `${said(first)} denies what no policy allows: remove it, or see whether the subject is right`
    return [{ rule: 'idle-deny', severity: 'warning', field, subject: first.subject, message }]
  })
}

function said({ side, subject, field }: Entry): string {
  const isOwnSide = field.startsWith(side)
  return isOwnSide ? `${field} "${subject}"` : `${field} (${side} "${subject}")`
}

/** A subject in which a variable is one token, as its value will be: the same variable is the same token. */
function flat(subject: string): string {
  return variablesIn(subject).reduce(
    (text, variable) => text.replace(/\{\{[^}]*\}\}/, `<${variable.replaceAll('.', ':')}`),
    subject,
  )
}

/** The subjects of an entry, whatever its templates are filled with and whichever queue group it is for. */
function widestSubject(entry: string): string {
  return parseSubscribeEntry(widestOf(entry)).subject
}
