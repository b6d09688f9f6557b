import type { Census } from '../domain/census.ts'
import { durationText } from '../domain/duration.ts'
import { entriesOf, responsesOf } from '../domain/entries.ts'
import { windowText } from '../domain/limit-words.ts'
import { OPERATOR_SCOPE, type Policy, type PolicyLimits, type PolicyMeaning } from '../domain/policy.ts'
import { review, type Review } from '../domain/review.ts'
import { GatehouseError } from '../errors.ts'
import { censusOf } from './census.ts'
import { declaredCensus, declaredPolicy } from './declared-census.ts'
import { refuse, type Documents } from './documents.ts'
import { unresolvedAlone } from './references.ts'
import { ownIn, readSnapshot, type Service } from './snapshot.ts'

/** What a policy says more, and no more, as lines. */
export interface PolicyDifference {
  readonly policy: string
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** A change of policies, and who gains and who loses by it where that is known. */
export interface PolicyDiff {
  readonly policies: readonly PolicyDifference[]
  readonly review?: Review | undefined
}

/** A policy of the running system. */
export interface PolicyReference {
  readonly name: string
  readonly version?: number | undefined
  readonly account?: string | undefined
}

/** One policy: as it is declared, or as it is or was in the running system. */
export type OnePolicy = { readonly declared: Policy } | { readonly stored: PolicyReference }

/** The policy, where documents are nothing but one. */
export function onlyPolicy({ operators, accounts, policies, roles }: Documents): Policy | undefined {
  const others = operators.length + accounts.length + roles.length
  const [policy] = policies
  return policy === undefined || others > 0 || policies.length > 1
    ? undefined
    : declaredPolicy(policy.content)
}

/** Folders against each other: the users are those declared in them. Throws `invalid_document` for their faults. */
export function diffDocuments(old: Documents, now: Documents): PolicyDiff {
  refuse(
    [old, now].flatMap((each) => [...each.faults, ...unresolvedAlone(each)]),
    'nothing was compared',
  )
  const [before, after] = [declaredCensus(old), declaredCensus(now)]
  const ids = new Set([...before.policies.keys(), ...after.policies.keys()])
  const policies = [...ids].map((id) => differenceOf(id, before.policies.get(id), after.policies.get(id)))
  return { policies: policies.filter(isAny), review: review(before, after) }
}

/** Two policies that are declared, and nobody who has them. */
export function diffDeclared(old: Policy, now: Policy): PolicyDiff {
  return { policies: [differenceOf(now.name, old, now)] }
}

/**
 * Two policies, and what comes of it when who has the first in the running system has the second instead. Throws
 * `not_found` for a policy or a version that is not there.
 */
export async function diffStored(
  service: Service,
  {
    old,
    now,
    account,
  }: { readonly old: OnePolicy; readonly now: OnePolicy; readonly account?: string | undefined },
): Promise<PolicyDiff> {
  const snapshot = await readSnapshot(service, { operator: false, users: () => 'all' })
  const census = censusOf(snapshot)
  const find = (which: PolicyReference): Policy => {
    const id = ownIn(snapshot, snapshot.policies, which)?.id
    const found = id === undefined ? undefined : census.policies.get(id)
    if (found !== undefined) return found
    const owner = which.account === undefined ? '' : ` of account "${which.account}"`
    throw new GatehouseError('not_found', `there is no policy "${which.name}"${owner}`)
  }
  const one = [old, now].find((each) => 'stored' in each) ?? old
  const target = find('stored' in one ? one.stored : { name: one.declared.name, account })
  const [before, after] = [await meaningOf(service, old, find), await meaningOf(service, now, find)]
  const [was, is] = [withMeaning(target, before), withMeaning(target, after)]
  const reviewed = review(withPolicy(census, was), withPolicy(census, is))
  return { policies: [differenceOf(target.name, was, is)], review: reviewed }
}

function withMeaning(policy: Policy, { permissions, limits, delegable }: PolicyMeaning): Policy {
  return { ...policy, permissions, limits, delegable }
}

function withPolicy(census: Census, policy: Policy): Census {
  return { ...census, policies: new Map([...census.policies, [policy.id, policy]]) }
}

const PAGE = 100

async function meaningOf(
  service: Service,
  one: OnePolicy,
  find: (which: PolicyReference) => Policy,
): Promise<PolicyMeaning> {
  if ('declared' in one) return one.declared
  const { name, version, account } = one.stored
  const found = find(one.stored)
  if (version === undefined) return found
  const which = found.scope === OPERATOR_SCOPE ? { policy: name } : { policy: name, account }
  for (let after: unknown = 0; after !== undefined;) {
    const page = await service.request('policy.history', { ...which, limit: PAGE, after })
    const items = page['items'] as readonly (PolicyMeaning & { readonly version: number })[]
    const kept = items.find((item) => item.version === version)
    if (kept !== undefined) return kept
    after = page['next']
  }
  throw new GatehouseError('not_found', `policy "${name}" has no version ${version}: see policy.history`)
}

function isAny({ added, removed }: PolicyDifference): boolean {
  return added.length + removed.length > 0
}

function differenceOf(policy: string, old: Policy | undefined, now: Policy | undefined): PolicyDifference {
  const [was, is] = [linesOf(old), linesOf(now)]
  return {
    policy,
    added: is.filter((line) => !was.includes(line)),
    removed: was.filter((line) => !is.includes(line)),
  }
}

/** Everything that a policy says, entry by entry. */
function linesOf(policy: Policy | undefined): readonly string[] {
  if (policy === undefined) return []
  const lines = [
    ...entriesOf(policy).map(({ side, effect, subject }) => `${side} ${effect} ${subject}`),
    ...responsesOf(policy).map(({ max, ttlMs }) => `responses ${max} within ${ttlMs / 1_000}s`),
    ...limitLines(policy.limits),
    ...(policy.delegable ? ['delegable'] : []),
  ]
  return [...new Set(lines)]
}

function limitLines({
  lifetimeSeconds,
  sources = [],
  connectionTypes = [],
  windows = [],
  sessions,
  sessionsPerCredential,
  keepSessions,
}: PolicyLimits): readonly string[] {
  return [
    ...(lifetimeSeconds === undefined ? [] : [`lifetime ${durationText(lifetimeSeconds * 1_000)}`]),
    ...sources.map((each) => `sources ${each}`),
    ...connectionTypes.map((each) => `connectionTypes ${each}`),
    ...windows.map((each) => `windows ${windowText(each)}`),
    ...(sessions === undefined ? [] : [`sessions ${sessions}`]),
    ...(sessionsPerCredential === undefined ? [] : [`sessionsPerCredential ${sessionsPerCredential}`]),
    ...(keepSessions === undefined ? [] : [`keepSessions ${keepSessions}`]),
  ].map((line) => `limits ${line}`)
}
