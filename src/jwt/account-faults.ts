import type { Account } from '../domain/account.ts'
import { overlaps } from '../domain/subject.ts'
import type { Fault } from '../errors.ts'
import { validateAccount } from './account.ts'
import type { AccountClaims, AccountNats, Unsigned } from './claims.ts'
import { hasWildcards } from './faults.ts'
import { localSubject } from './imports.ts'

/**
 * What a server would refuse in the claims of an account, or take and then not do, each fault at the field of the
 * command or document it comes from (`exports[2].responseType`). What Gatehouse gives the account comes first in its
 * claims and is not counted.
 */
export function accountFaults(account: Account, { nats, ...claims }: Unsigned<AccountClaims>): Fault[] {
  const { imports = [], exports = [] } = nats
  const ours = {
    imports: imports.length - (account.imports?.length ?? 0),
    exports: exports.length - (account.exports?.length ?? 0),
  }
  // Wildcards are asked for below: servers do it only where the number of exports is limited too.
  const limits = { ...nats.limits, wildcards: true }
  const told = validateAccount({ ...claims, nats: { ...nats, limits } }).flatMap(({ where, rule }) => {
    const place = inWords(where, ours)
    return place === undefined ? [] : [{ where: place, rule: inWords(rule, ours) ?? rule }]
  })
  return [...told, ...clashes(nats, ours.imports), ...wildcards(account)]
}

/** What Gatehouse gives must arrive: nothing of somebody else may be found where it is. */
function clashes({ imports = [] }: AccountNats, ours: number): Fault[] {
  const given = imports.slice(0, ours).map(localSubject)
  return imports.slice(ours).flatMap((one, i) => {
    const clash = given.find((subject) => overlaps(subject, localSubject(one)))
    if (clash === undefined) return []
    const where = `imports[${i}].${one.local_subject === one.subject ? 'subject' : 'localSubject'}`
    return [{ where, rule: `must not overlap ${clash}, which Gatehouse gives every account` }]
  })
}

function wildcards({ limits, exports = [] }: Account): Fault[] {
  if (limits.wildcardExports !== false) return []
  return exports.flatMap(({ subject }, i) =>
    hasWildcards(subject)
      ? [{ where: `exports[${i}].subject`, rule: 'must have no wildcards: limits.wildcardExports is false' }]
      : [],
  )
}

interface Counts {
  readonly imports: number
  readonly exports: number
}

const WORDS: Readonly<Record<string, string>> = { service_latency: 'latency', token_req: 'access' }

const ENTRY = /nats\.(imports|exports)\[(\d+)\]/g

/** `nats.imports[3].local_subject` as `imports[2].localSubject`; `undefined` for what is not the account's own. */
function inWords(text: string, ours: Counts): string | undefined {
  const own = (list: string, index: string): number => Number(index) - ours[list as keyof Counts]
  if ([...text.matchAll(ENTRY)].some(([, list = '', index = '']) => own(list, index) < 0)) return undefined
  return text
    .replaceAll(ENTRY, (_, list: string, index: string) => `${list}[${own(list, index)}]`)
    .replaceAll('nats.', '')
    .replaceAll(/[a-z]+(?:_[a-z]+)+/g, (word) => WORDS[word] ?? camelCase(word))
}

function camelCase(word: string): string {
  return word.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
