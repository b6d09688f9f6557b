import type { Account, AccountSettings } from '../domain/account.ts'
import type { Policy } from '../domain/policy.ts'
import { same } from '../domain/same.ts'
import { policyKey } from '../domain/state-keys.ts'
import type { User } from '../domain/user.ts'
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
import { accountIfThere, ifThere, policyNamed, userNamed } from './lookup.ts'
import { policyCommands } from './policy.ts'
import { firstDefault, unresolved } from './references.ts'
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
 * Empty when nothing is. Throws `invalid_document` with every fault that reading found, and every name that neither
 * documents nor state know.
 */
export async function plan(view: View, documents: Documents): Promise<readonly Step[]> {
  refuse([...documents.faults, ...(await unresolved(view, documents))])
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
  const owner = account === undefined ? undefined : await accountIfThere(view, account)
  if (account !== undefined && owner === undefined) return undefined
  const policy = await ifThere(policyNamed(view, owner, name))
  return owner === undefined || policy?.scope === owner.id ? policy : undefined
}

async function accountSteps(
  view: View,
  documents: Documents,
  { content, written }: Declared<AccountDocument>,
): Promise<readonly Step[]> {
  if ((await accountIfThere(view, content.name)) !== undefined) return []
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
  const stored = await accountIfThere(view, content.name)
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
  const stored = await accountIfThere(view, content.name)
  const steps: Step[] = []
  for (const declared of content.users) {
    const target = `user ${declared.name} in ${content.name}`
    const user = stored && (await ifThere(userNamed(view, stored, declared.name)))
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
  const assigned = loaded.flatMap((policy) => (policy.status === 'present' ? [policy.name] : []))
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

function pick(
  from: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(keys.filter((key) => key in from).map((key) => [key, from[key]]))
}
