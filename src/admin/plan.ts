import type { Account, AccountSettings } from '../domain/account.ts'
import type { Policy } from '../domain/policy.ts'
import { same } from '../domain/same.ts'
import { accountNameKey, policyKey } from '../domain/state-keys.ts'
import type { User } from '../domain/user.ts'
import { GatehouseError, type Fault } from '../errors.ts'
import { accountCommands, DEFAULT_POLICY } from './account.ts'
import { policies } from './aggregates.ts'
import type { Command } from './command.ts'
import {
  refuse,
  type AccountDocument,
  type Declared,
  type Documents,
  type PolicyDocument,
} from './documents.ts'
import { accountNamed, policyNamed, theOperator, userNamed } from './lookup.ts'
import { policyCommands } from './policy.ts'
import type { View } from './transaction.ts'
import { userCommands } from './user.ts'

/** One command that brings the state closer to what the documents declare. */
export interface Step {
  readonly command: Command
  readonly payload: Readonly<Record<string, unknown>>
  /** What it changes, for people: `user alice@example.com in ORDERS`. */
  readonly target: string
}

/**
 * What is left to do until the state is as declared, in an order in which every step finds what it names.
 * Empty when nothing is. Throws `invalid_document` for names that neither documents nor state know.
 */
export async function plan(view: View, documents: Documents): Promise<readonly Step[]> {
  refuse(await unresolved(view, documents))
  const steps: Step[] = []
  const shared = documents.policies.filter(({ content }) => content.account === undefined)
  for (const document of shared) steps.push(...(await policySteps(view, document)))
  for (const document of documents.accounts) steps.push(...(await accountSteps(view, documents, document)))
  const owned = documents.policies.filter(({ content }) => content.account !== undefined)
  for (const document of owned) steps.push(...(await policySteps(view, document)))
  for (const document of documents.accounts) steps.push(...(await settingSteps(view, documents, document)))
  for (const document of documents.accounts) steps.push(...(await userSteps(view, document)))
  return steps
}

/** Names that lead nowhere, each at its place. */
async function unresolved(view: View, documents: Documents): Promise<readonly Fault[]> {
  const faults: Fault[] = []
  const operator = await theOperator(view)
  for (const { content, locate } of documents.operators) {
    if (content.name === operator.name) continue
    faults.push({
      where: `${locate(['name'])} name`,
      rule: `the operator is "${operator.name}" and keeps its name`,
    })
  }
  const knowsPolicy = async (account: string | undefined, policy: string): Promise<boolean> =>
    documents.policies.some(
      ({ content }) => content.name === policy && [undefined, account].includes(content.account),
    ) ||
    (await found(
      policyNamed(view, account === undefined ? undefined : await existing(view, account), policy),
    )) !== undefined
  const check = async (account: string, policy: string, where: string): Promise<void> => {
    if (!(await knowsPolicy(account, policy))) faults.push({ where, rule: `there is no policy "${policy}"` })
  }
  for (const { content, locate } of documents.policies) {
    const { account } = content
    if (account === undefined || documents.accounts.some((other) => other.content.name === account)) continue
    if ((await existing(view, account)) === undefined) {
      faults.push({ where: `${locate(['account'])} account`, rule: `there is no account "${account}"` })
    }
  }
  for (const { content, locate } of documents.accounts) {
    const stored = await existing(view, content.name)
    if (stored?.role === 'system' || stored?.role === 'callout') {
      const rule = `account "${content.name}" belongs to Gatehouse: it cannot be declared`
      faults.push({ where: `${locate(['name'])} name`, rule })
      continue
    }
    for (const policy of await defaultsOf(view, documents, content)) {
      await check(content.name, policy, `${locate(['defaultPolicy'])} defaultPolicy`)
    }
    for (const [i, user] of content.users.entries()) {
      for (const [j, policy] of user.policies.entries()) {
        await check(content.name, policy, `${locate(['users', i, 'policies', j])} users[${i}].policies[${j}]`)
      }
    }
  }
  return faults
}

/** The policies that the account needs as its default: at once, and in the end. */
async function defaultsOf(
  view: View,
  documents: Documents,
  account: AccountDocument,
): Promise<ReadonlySet<string>> {
  const first = await firstDefault(view, documents, account)
  return new Set([account.defaultPolicy ?? DEFAULT_POLICY, first ?? DEFAULT_POLICY])
}

/** What the account can have from its creation on: policies of its own come after it. */
async function firstDefault(
  view: View,
  { policies: declared }: Documents,
  { name, defaultPolicy }: AccountDocument,
): Promise<string | undefined> {
  if (defaultPolicy === undefined || (await existing(view, name)) !== undefined) return defaultPolicy
  const isShared =
    declared.some(({ content }) => content.name === defaultPolicy && content.account === undefined) ||
    (await found(policyNamed(view, undefined, defaultPolicy))) !== undefined
  return isShared ? defaultPolicy : undefined
}

async function policySteps(
  view: View,
  { content, written }: Declared<PolicyDocument>,
): Promise<readonly Step[]> {
  const { kind: _kind, ...request } = written
  const target = `policy ${content.name}${content.account === undefined ? '' : ` of ${content.account}`}`
  const stored = await storedPolicy(view, content)
  if (stored === undefined) return [{ command: policyCommands.createPolicy, payload: request, target }]
  const { publish, subscribe, responses, limits } = content
  const which = {
    policy: content.name,
    ...(content.account === undefined ? {} : { account: content.account }),
  }
  const steps: Step[] = []
  if (!same(stored.permissions, { publish, subscribe, responses })) {
    const rules = pick(request, ['publish', 'subscribe', 'responses'])
    steps.push({ command: policyCommands.updatePermissions, payload: { ...which, ...rules }, target })
  }
  if (!same(stored.limits, limits)) {
    const payload = { ...which, ...pick({ limits: {}, ...request }, ['limits']) }
    steps.push({ command: policyCommands.updateLimits, payload, target })
  }
  return steps
}

/** The stored policy of exactly the declared scope: an operator's policy does not stand in for an account's own. */
async function storedPolicy(view: View, { account, name }: PolicyDocument): Promise<Policy | undefined> {
  const owner = account === undefined ? undefined : await existing(view, account)
  if (account !== undefined && owner === undefined) return undefined
  const policy = await found(policyNamed(view, owner, name))
  return owner === undefined || policy?.scope === owner.id ? policy : undefined
}

async function accountSteps(
  view: View,
  documents: Documents,
  { content, written }: Declared<AccountDocument>,
): Promise<readonly Step[]> {
  if ((await existing(view, content.name)) !== undefined) return []
  const defaultPolicy = await firstDefault(view, documents, content)
  const payload = {
    ...pick(written, ['name', 'description', 'limits', 'metadata']),
    ...(defaultPolicy === undefined ? {} : { defaultPolicy }),
  }
  return [{ command: accountCommands.createAccount, payload, target: `account ${content.name}` }]
}

async function settingSteps(
  view: View,
  documents: Documents,
  { content, written }: Declared<AccountDocument>,
): Promise<readonly Step[]> {
  const stored = await existing(view, content.name)
  const target = `account ${content.name}`
  const account = content.name
  const steps: Step[] = []
  const declared = content.defaultPolicy ?? DEFAULT_POLICY
  const present =
    stored === undefined
      ? ((await firstDefault(view, documents, content)) ?? DEFAULT_POLICY)
      : await defaultPolicyName(view, stored)
  if (present !== declared) {
    steps.push({ command: accountCommands.setDefaultPolicy, payload: { account, policy: declared }, target })
  }
  if (stored === undefined) return steps
  if (!same(stored.limits, content.limits)) {
    const payload = { account, ...pick({ limits: {}, ...written }, ['limits']) }
    steps.push({ command: accountCommands.updateLimits, payload, target })
  }
  const told = ({ description, metadata }: Pick<AccountSettings, 'description' | 'metadata'>) => ({
    description,
    metadata,
  })
  if (!same(told(stored), told(content))) {
    steps.push({ command: accountCommands.updateMetadata, payload: { account, ...told(content) }, target })
  }
  return steps
}

async function defaultPolicyName(view: View, account: Account): Promise<string | undefined> {
  if (account.defaultPolicy === undefined) return undefined
  const policy = await view.load(policies, policyKey(account.defaultPolicy))
  return policy.status === 'absent' ? undefined : policy.name
}

async function userSteps(view: View, { content }: Declared<AccountDocument>): Promise<readonly Step[]> {
  const stored = await existing(view, content.name)
  const steps: Step[] = []
  for (const declared of content.users) {
    const target = `user ${declared.name} in ${content.name}`
    const user = stored && (await found(userNamed(view, stored, declared.name)))
    if (stored === undefined || user === undefined) {
      const payload = { account: content.name, ...declared }
      steps.push({ command: userCommands.createUser, payload, target })
      continue
    }
    steps.push(...(await assignmentSteps(view, { account: stored, user }, declared.policies)))
    if (!same(user.metadata, declared.metadata)) {
      const payload = { account: content.name, user: user.name, metadata: declared.metadata }
      steps.push({ command: userCommands.updateMetadata, payload, target })
    }
  }
  return steps
}

async function assignmentSteps(
  view: View,
  { account, user }: { readonly account: Account; readonly user: User },
  declared: readonly string[],
): Promise<readonly Step[]> {
  const loaded = await Promise.all(user.policies.map((id) => view.load(policies, policyKey(id))))
  const assigned = loaded.flatMap((policy) => (policy.status === 'active' ? [policy.name] : []))
  const step = (command: Command, policy: string): Step => ({
    command,
    payload: { account: account.name, user: user.name, policy },
    target: `user ${user.name} in ${account.name}`,
  })
  return [
    ...declared
      .filter((name) => !assigned.includes(name))
      .map((name) => step(userCommands.assignPolicy, name)),
    ...assigned
      .filter((name) => !declared.includes(name))
      .map((name) => step(userCommands.removePolicy, name)),
  ]
}

async function existing(view: View, account: string): Promise<Account | undefined> {
  return (await view.get(accountNameKey(account))) === undefined ? undefined : accountNamed(view, account)
}

async function found<Value>(lookup: Promise<Value>): Promise<Value | undefined> {
  try {
    return await lookup
  } catch (error) {
    if (error instanceof GatehouseError && error.code === 'not_found') return undefined
    throw error
  }
}

function pick(
  from: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(keys.filter((key) => key in from).map((key) => [key, from[key]]))
}
