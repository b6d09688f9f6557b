import type { Account } from '../domain/account.ts'
import { holdings, memberKey, type Holding } from '../domain/census.ts'
import { entriesOf, type Effect, type Side } from '../domain/entries.ts'
import { allOf, compileGrant, type Grant, type GrantParts } from '../domain/grant.ts'
import { entryCovers, parseSubscribeEntry } from '../domain/subject-entry.ts'
import { expand } from '../domain/template.ts'
import type { User } from '../domain/user.ts'
import { mayPublish, maySubscribe, type Verdict } from '../domain/verdict.ts'
import type { Fault } from '../errors.ts'
import { idsIn, userOf, type Draft } from './census.ts'
import { declaredAccount, declaredCensus } from './declared-census.ts'
import { parseFile, refuse, type Declared, type Documents, type SourceFile } from './documents.ts'
import { paperSchemas, type PolicyTestCase, type PolicyTestDocument } from './paper-schemas.ts'
import { placesIn, type Places } from './policy-places.ts'
import { unresolvedAlone } from './references.ts'

/** An expectation that did not hold. */
export interface FailedExpectation {
  /** `file:line:column` of what is expected. */
  readonly where: string
  /** `publish orders.new`, or `grant`. */
  readonly what: string
  readonly expected: string
  /** What is so instead, and by which entry of which policy. */
  readonly found: string
}

export interface TestedCase {
  readonly file: string
  /** `file:line:column` of the case. */
  readonly where: string
  readonly name: string
  readonly failures: readonly FailedExpectation[]
}

/** The documents and the tests of their policies. Throws `invalid_document` with every fault of all of them. */
export function readPolicyTests(documents: Documents, files: readonly SourceFile[]): readonly Tested[] {
  const faults: Fault[] = [...documents.faults, ...unresolvedAlone(documents)]
  const tests = files.flatMap((file) =>
    parseFile(file, paperSchemas['policy-test'], { faults, outlines: [] }).map((test) => ({
      ...test,
      file: file.path,
    })),
  )
  refuse(faults, 'nothing was tested')
  return tests
}

/** A file of tests, as it was read. */
interface Tested extends Declared<PolicyTestDocument> {
  readonly file: string
}

/**
 * What the policies that documents declare come to, held against what tests expect, by the verdict that nats-server
 * would give. Throws `invalid_document` for tests of what is not declared.
 */
export function testPolicies(documents: Documents, tests: readonly Tested[]): readonly TestedCase[] {
  const faults: Fault[] = []
  const census = declaredCensus(documents)
  const places = placesIn(documents)
  const tested = tests.flatMap(({ content, locate, file }) =>
    content.cases.map((test, index) => {
      const at: At = (...path) => locate(['cases', index, ...path])
      const given = test.user
      const who = typeof given === 'string' ? declaredUser(census, given) : givenUser(census, given)
      faults.push(
        ...who.faults.map(({ path, rule }) => ({
          where: `${at('user', ...path)} ${fieldOf(index, path)}`,
          rule,
        })),
      )
      const failures = who.user === undefined ? [] : failuresOf(test, { ...who, user: who.user, places, at })
      return { file, where: at(), name: test.name, failures }
    }),
  )
  refuse(faults, 'nothing was tested')
  return tested
}

type At = (...path: readonly (string | number)[]) => string

function fieldOf(index: number, path: readonly (string | number)[]): string {
  return ['user', ...path].reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text}.${step}`),
    `cases[${index}]`,
  )
}

/** Whom a case is about, in a census that has them. */
interface Who {
  readonly census: Draft
  readonly user?: User
  readonly faults: readonly { readonly path: readonly (string | number)[]; readonly rule: string }[]
}

function declaredUser(census: Draft, text: string): Who {
  const [name = '', accountName = ''] = text.split(' of ')
  const account = [...census.accounts.values()].find((each) => each.name === accountName)
  const user = account && census.users.get(memberKey({ account: account.id, name }))
  if (user !== undefined) return { census, user, faults: [] }
  const rule =
    account === undefined
      ? `there is no account "${accountName}"`
      : `there is no user "${name}" in account "${accountName}"`
  return { census, faults: [{ path: [], rule }] }
}

type Given = Exclude<PolicyTestCase['user'], string>

function givenUser(declared: Draft, given: Given): Who {
  const name = typeof given.account === 'string' ? given.account : undefined
  const named = [...declared.accounts.values()].find((account) => account.name === name)
  if (name !== undefined && named === undefined)
    return {
      census: declared,
      faults: [{ path: ['account'], rule: `there is no account "${name}"` }],
    }
  const account = named ?? declaredAccount(accountGiven(given.account), declared)
  const ids = { policies: idsIn(declared.policies, account.id), roles: idsIn(declared.roles, account.id) }
  const user = userOf(account.id, given, ids)
  const census = { ...declared, accounts: new Map([...declared.accounts, [account.id, account]]) }
  return { census, user, faults: [...unknown(declared, given, user), ...unknownOf(declared, account)] }
}

function accountGiven(account: Given['account']): Parameters<typeof declaredAccount>[0] {
  return typeof account === 'object' ? account : { name: 'ACCOUNT' }
}

function unknown({ policies, roles }: Draft, given: Given, user: User): Who['faults'] {
  const faultsOf = (
    kind: 'policies' | 'roles',
    word: string,
    known: { has(id: string): boolean },
  ): Who['faults'] =>
    given[kind].flatMap((name, i) =>
      user[kind].includes(name) && !known.has(name)
        ? [{ path: [kind, i], rule: `there is no ${word} "${name}"` }]
        : [],
    )
  return [...faultsOf('policies', 'policy', policies), ...faultsOf('roles', 'role', roles)]
}

function unknownOf({ policies }: Draft, account: Account): Who['faults'] {
  return (['defaultPolicy', 'boundaryPolicy'] as const).flatMap((field) => {
    const id = account[field]
    if (id === undefined || policies.has(id)) return []
    return [{ path: ['account'], rule: `there is no policy "${id}" for its ${field}` }]
  })
}

interface Trial {
  readonly census: Draft
  readonly user: User
  readonly places: Places
  readonly at: At
}

function failuresOf(test: PolicyTestCase, trial: Trial): readonly FailedExpectation[] {
  const held = holdings(trial.census)(trial.user)
  if (!held.ok)
    return test.grant === 'none'
      ? []
      : [{ where: trial.at('user'), what: 'grant', expected: 'a grant', found: `none: ${held.why}` }]
  if (test.grant === 'none')
    return [
      {
        where: trial.at('grant'),
        what: 'grant',
        expected: 'none',
        found: 'there is one: no template lacks a value',
      },
    ]
  return (['publish', 'subscribe'] as const).flatMap((side) =>
    (['allowed', 'denied'] as const).flatMap((expected) =>
      test[side][expected].flatMap((asked, i) => {
        const verdict = verdictOf(held.grant, side, asked)
        if (verdict.allowed === (expected === 'allowed')) return []
        const found = because({ ...trial, held, side, asked }, verdict)
        return [{ where: trial.at(side, expected, i), what: `${side} ${asked}`, expected, found }]
      }),
    ),
  )
}

function verdictOf({ publish, subscribe }: Pick<Grant, Side>, side: Side, asked: string): Verdict {
  if (side === 'publish') return mayPublish(publish, asked)
  const { subject, queue } = parseSubscribeEntry(asked)
  return maySubscribe(subscribe, subject, queue)
}

interface Asked extends Trial {
  readonly held: Extract<Holding, { ok: true }>
  readonly side: Side
  readonly asked: string
}

/** Why the verdict is as it is, in words. */
function because(asked: Asked, { allowed, entry }: Verdict): string {
  const { parts } = asked.held
  if (entry !== undefined) {
    const effect = allowed ? 'allow' : 'deny'
    return `${allowed ? 'allowed' : 'denied'} by ${originOf(asked, { effect, entry }) ?? `"${entry}"`}`
  }
  const { boundary } = parts
  return boundary !== undefined && isGivenWithout(asked, parts)
    ? `denied: boundary policy ${boundary.name} does not allow it`
    : 'denied: no policy allows it'
}

function isGivenWithout({ held, side, asked }: Asked, { policies }: GrantParts): boolean {
  const compiled = compileGrant(held.facts.user, held.facts.account, { policies })
  return compiled.ok && verdictOf(compiled.grant, side, asked).allowed
}

/** The entry of a policy that says it, and where it is written. */
function originOf(
  { held, side, places }: Asked,
  { effect, entry }: { readonly effect: Effect; readonly entry: string },
): string | undefined {
  for (const policy of allOf(held.parts)) {
    const found = entriesOf(policy).find((each) => {
      const expansion = expand(each.subject, held.facts)
      return (
        each.side === side && each.effect === effect && expansion.ok && entryCovers(expansion.subject, entry)
      )
    })
    if (found === undefined) continue
    const place = places(policy.id, found.field)
    return `${found.field} "${found.subject}" of policy ${policy.name}${place === undefined ? '' : ` (${place})`}`
  }
  return undefined
}
