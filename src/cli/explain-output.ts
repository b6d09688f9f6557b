import { isMap } from './body.ts'
import type { Shown } from './output.ts'
import { kickText } from './session-output.ts'
import { cell, plain, type Row } from './table.ts'
import { styled, type Outlet } from './terminal.ts'

/** Replies for people: which commands have a form of their own, and what it is. */

type Form = (reply: Row, outlet: Outlet) => string

const FORMS: Readonly<Record<string, Form>> = {
  'explain.user': standingText,
  'explain.token': standingText,
  'explain.policy': policyText,
  'explain.can': canText,
  'explain.decision': decisionText,
  'session.kick': kickText,
}

/** Undefined for what is shown like every other reply. */
export function explanation(command: string, reply: Row, outlet: Outlet): Shown | undefined {
  const form = FORMS[command]
  return form && { out: `${form(reply, outlet)}\n`, err: '' }
}

function canText({ allowed, why }: Row, outlet: Outlet): string {
  const word = allowed === true ? styled(outlet, 'green', 'yes') : styled(outlet, 'red', 'no')
  return `${word}: ${plain(String(why))}`
}

function standingText(reply: Row, outlet: Outlet): string {
  const { account, user, credential, refusal, grant } = reply
  const whose = isMap(user) && isMap(account) ? `${cell(user['name'])} in ${cell(account['name'])}` : 'nobody'
  const by = isMap(credential)
    ? `, by ${cell(credential['kind'])} ${cell(credential['label'] ?? credential['id'])}`
    : ''
  return lines([
    styled(outlet, 'bold', plain(whose + by)),
    ...refusalLines(refusal, outlet),
    ...policyLines(reply),
    ...limitLines(grant),
    ...entryLines(reply, outlet),
  ])
}

function decisionText({ decision }: Row, outlet: Outlet): string {
  const told = isMap(decision) ? decision : {}
  const { user, account, at, outcome, from, isExact, missing, expiresAt, refusal, grant } = told
  const whose = isMap(user)
    ? `${cell(user['name'])} in ${isMap(account) ? cell(account['name']) : '?'}`
    : 'nobody known'
  const where = isMap(from)
    ? [cell(from['ip']), cell(from['userAgent'])].filter((part) => part !== '').join(', ')
    : ''
  const gone = Array.isArray(missing) ? missing.map(String) : []
  return lines([
    styled(
      outlet,
      'bold',
      plain(`${cell(at)}: ${whose}, ${cell(outcome)}${where === '' ? '' : `, from ${where}`}`),
    ),
    ...(expiresAt === undefined ? [] : [`until     ${cell(expiresAt)}`]),
    ...refusalLines(refusal, outlet),
    ...(gone.length === 0 ? [] : [`not kept any more: ${plain(gone.join(', '))}`]),
    ...(isExact === false ? ['what those versions come to now is not what was granted then'] : []),
    ...policyLines(told),
    ...limitLines(grant),
    ...entryLines(told, outlet),
  ])
}

function policyText({ policy, entries, more, ...who }: Row, outlet: Outlet): string {
  const { name, version, limits, delegable, permissions } = isMap(policy) ? policy : {}
  const says = rows(entries).map((entry) => [word(entry), plain(cell(entry['field']))] as const)
  const { users, names, roles, defaultOf, boundaryOf } = who
  const having = [
    ['given to', users === 0 ? '-' : `${cell(users)}: ${cell(names)}`],
    ['roles', cell(roles)],
    ['default of', cell(defaultOf)],
    ['boundary of', cell(boundaryOf)],
    ['responses', isMap(permissions) ? cell(permissions['responses']) : ''],
    ['limits', cell(limits)],
    ['delegable', delegable === true ? 'yes' : ''],
  ] as const
  return lines([
    styled(outlet, 'bold', plain(`${cell(name)}, version ${cell(version)}`)),
    ...having.flatMap(([what, text]) =>
      text === '-' || text === '' ? [] : [`${what.padEnd(11)} ${plain(text)}`],
    ),
    ...sides(entries, says, outlet),
    ...moreLines(more),
  ])
}

function moreLines(more: unknown): readonly string[] {
  return more === undefined ? [] : ['', `and ${cell(more)} more`]
}

function refusalLines(refusal: unknown, outlet: Outlet): readonly string[] {
  if (!isMap(refusal)) return []
  const { reason, detail, words } = refusal
  const about = detail === undefined ? '' : ` (${cell(detail)})`
  return [styled(outlet, 'red', plain(`refused   ${cell(reason)}${about}: ${cell(words)}`))]
}

function policyLines({ policies }: Row): readonly string[] {
  const told = rows(policies).map(
    ({ name, version, via }) => `${cell(name)} v${cell(version)} (${cell(via)})`,
  )
  return told.length === 0 ? [] : [`policies  ${plain(told.join(', '))}`]
}

/** What a grant says beside its subjects. */
function limitLines(grant: unknown): readonly string[] {
  if (!isMap(grant)) return []
  const { publish: _publish, subscribe: _subscribe, policies: _policies, ...rest } = grant
  return Object.entries(rest).map(([name, value]) => `${name.padEnd(8)}  ${plain(cell(value, name))}`)
}

function entryLines({ entries, leftOut, more }: Row, outlet: Outlet): readonly string[] {
  const says = rows(entries).map(
    (entry) =>
      [word(entry), plain([sourceWords(entry['sources']), withinWords(entry['within'])].join(''))] as const,
  )
  const left = rows(leftOut).map(({ subject, effect, side, source, coveredBy }) => {
    const why = coveredBy === undefined ? 'outside the boundary' : `${cell(coveredBy)} says as much`
    return `  ${plain(`${cell(side)} ${effect === 'deny' ? 'not ' : ''}${cell(subject)}: ${sourceWords([source])}: ${why}`)}`
  })
  return [
    ...sides(entries, says, outlet),
    ...(left.length === 0 ? [] : ['', styled(outlet, 'bold', 'left out'), ...left]),
    ...moreLines(more),
  ]
}

function sides(
  entries: unknown,
  says: readonly (readonly [subject: string, about: string])[],
  outlet: Outlet,
): readonly string[] {
  const all = rows(entries)
  const width = Math.max(0, ...says.map(([subject]) => subject.length))
  return ['publish', 'subscribe'].flatMap((side) => {
    const of = says.filter((_, i) => all[i]?.['side'] === side)
    if (of.length === 0) return []
    return [
      '',
      styled(outlet, 'bold', side),
      ...of.map(([subject, about]) => `  ${subject.padEnd(width)}  ${about}`),
    ]
  })
}

function word({ effect, subject }: Row): string {
  return plain(`${effect === 'deny' ? 'not ' : ''}${cell(subject)}`)
}

function sourceWords(sources: unknown): string {
  return rows(sources)
    .map(({ policy, version, via, field, written }) => {
      const template = String(written).includes('{{') ? `: ${cell(written)}` : ''
      return `${cell(policy)} v${cell(version)} (${cell(via)}) ${cell(field)}${template}`
    })
    .join('; ')
}

function withinWords(within: unknown): string {
  return Array.isArray(within) ? `, within ${sourceWords(within)}` : ''
}

function rows(value: unknown): readonly Row[] {
  return Array.isArray(value) ? value.filter(isMap) : []
}

function lines(all: readonly string[]): string {
  return all.join('\n')
}
