import { DEFAULT_POLICY } from './account.ts'
import type { FieldChange } from './difference.ts'
import type { AccountDocument, PolicyDocument, RoleDocument, UserDocument } from './document-schemas.ts'
import { refuse, type Documents } from './documents.ts'
import { firstDefault, unresolved } from './references.ts'
import { RoleGraph } from './role-graph.ts'
import { accountIn, importsByName, ownIn, type Snapshot, type UserRecord } from './snapshot.ts'
import {
  accountTarget,
  changes,
  created,
  defined,
  ownedTarget,
  pick,
  userTarget,
  type Facet,
  type Facts,
  type Step,
} from './steps.ts'
import { writtenAccount, writtenPolicy, writtenRole, writtenUser, type Written } from './written.ts'

const POLICY_FACETS: readonly Facet[] = [
  {
    name: 'policy.update-permissions',
    fields: ['publish', 'subscribe', 'allow', 'deny', 'responses', 'inbox'],
  },
  { name: 'policy.update-limits', fields: ['limits'] },
  { name: 'policy.set-description', fields: ['description'] },
  {
    name: 'policy.set-delegable',
    fields: ['delegable'],
    payload: ({ delegable }) => ({ delegable: delegable === true }),
  },
]
const ROLE_FACETS: readonly Facet[] = [
  {
    name: 'role.update',
    fields: ['policies', 'roles'],
    payload: ({ policies = [], roles = [] }) => ({ policies, roles }),
  },
  { name: 'role.set-description', fields: ['description'] },
]
const ACCOUNT_FACETS: readonly Facet[] = [
  {
    name: 'account.set-default-policy',
    fields: ['defaultPolicy'],
    payload: ({ defaultPolicy }) => (defaultPolicy === null ? {} : { policy: defaultPolicy }),
  },
  {
    name: 'account.set-boundary-policy',
    fields: ['boundaryPolicy'],
    payload: ({ boundaryPolicy }) => (boundaryPolicy === undefined ? {} : { policy: boundaryPolicy }),
  },
  { name: 'account.update-limits', fields: ['limits'] },
  { name: 'account.update-metadata', fields: ['description', 'metadata'] },
  { name: 'account.set-expiry', fields: ['expiresAt'] },
  {
    name: 'account.update-exports',
    fields: ['exports'],
    // What is no longer given may be imported until the last step of the same documents.
    payload: ({ exports = [] }) => ({ exports, force: true }),
  },
]
/** After every account exports what it does. */
const IMPORT_FACETS: readonly Facet[] = [
  {
    name: 'account.update-imports',
    fields: ['imports'],
    payload: ({ imports = [] }) => ({ imports }),
  },
]
const ACCOUNT_CREATED = ['description', 'limits', 'metadata'] as const
const USER_FACETS: readonly Facet[] = [
  { name: 'user.update-metadata', fields: ['metadata'] },
  { name: 'user.set-expiry', fields: ['expiresAt'] },
]
const USER_CREATED = ['policies', 'roles', 'metadata'] as const
const OPERATOR_FACETS: readonly Facet[] = [{ name: 'operator.set-description', fields: ['description'] }]

export interface PlanOptions {
  /** Is there a command of that name? */
  readonly offers: (name: string) => boolean
}

/**
 * What is left to do until the state is as declared, in an order in which every step finds what it names.
 * Empty when nothing is. Throws `invalid_document` with every fault that reading found, and every name that neither
 * documents nor state know.
 */
export function plan(snapshot: Snapshot, documents: Documents, { offers }: PlanOptions): readonly Step[] {
  refuse([...documents.faults, ...unresolved(snapshot, documents)])
  const contents = <Content>(all: readonly { readonly content: Content }[]): readonly Content[] =>
    all.map(({ content }) => content)
  const accounts = contents(documents.accounts)
  const roles = contents(documents.roles)
  const firsts = new Map(accounts.map((each) => [each, firstDefault(snapshot, documents, each)]))
  const parts = [
    ...contents(documents.policies).map((each) => ({
      owner: each.account,
      steps: policySteps(snapshot, each),
    })),
    // Roles after those that are within them: so they find them, and none comes to be within itself on the way.
    ...new RoleGraph(snapshot, roles)
      .innerFirst(roles)
      .map((each) => ({ owner: each.account, steps: roleSteps(snapshot, each) })),
  ]
  return [
    ...operatorSteps(snapshot, documents),
    ...parts.flatMap(({ owner, steps }) => (owner === undefined ? steps : [])),
    ...accounts.flatMap((each) => newAccountSteps(snapshot, each, firsts.get(each))),
    ...parts.flatMap(({ owner, steps }) => (owner === undefined ? [] : steps)),
    ...accounts.flatMap((each) => settingSteps(snapshot, each, firsts.get(each))),
    ...accounts.flatMap((each) => importSteps(snapshot, each)),
    ...accounts.flatMap((each) => userSteps(snapshot, each)),
  ].filter(({ name }) => offers(name))
}

function operatorSteps({ operator }: Snapshot, { operators }: Documents): readonly Step[] {
  if (operator === undefined) return []
  return operators.flatMap(({ content: { name, description } }) =>
    changes(OPERATOR_FACETS, {
      which: {},
      target: `operator ${name}`,
      stored: defined({ description: operator.description }),
      declared: defined({ description }),
      revision: operator.revision,
    }),
  )
}

function policySteps(snapshot: Snapshot, document: PolicyDocument): readonly Step[] {
  const { name, account } = document
  const found = ownIn(snapshot, snapshot.policies, document)
  const target = ownedTarget('policy', document)
  const declared = writtenPolicy(document)
  if (found === undefined) {
    return [created('policy.create', { target, which: defined({ name, account }), declared })]
  }
  const which = defined({ policy: name, account })
  const { revision } = found
  return changes(POLICY_FACETS, { which, target, stored: writtenPolicy(found), declared, revision })
}

function roleSteps(snapshot: Snapshot, document: RoleDocument): readonly Step[] {
  const { name, account } = document
  const found = ownIn(snapshot, snapshot.roles, document)
  const target = ownedTarget('role', document)
  const declared = writtenRole(document)
  if (found === undefined) {
    const which = { ...defined({ name, account }), policies: [] } // The command wants them said.
    return [created('role.create', { target, which, declared })]
  }
  const which = defined({ role: name, account })
  const { revision } = found
  return changes(ROLE_FACETS, { which, target, stored: writtenRole(found), declared, revision })
}

/** An account with what it can have from its creation on; policies of its own come after it. */
function newAccountSteps(
  snapshot: Snapshot,
  document: AccountDocument,
  defaultPolicy: string | undefined,
): readonly Step[] {
  const { name } = document
  if (accountIn(snapshot, name) !== undefined) return []
  const declared = {
    ...pick(writtenAccount(document), ACCOUNT_CREATED),
    ...defined({ defaultPolicy }),
  }
  return [created('account.create', { target: accountTarget(name), which: { name }, declared })]
}

function settingSteps(
  snapshot: Snapshot,
  document: AccountDocument,
  defaultPolicy: string | undefined,
): readonly Step[] {
  const { name } = document
  const found = accountIn(snapshot, name)
  const declared = writtenAccount(document)
  const stored =
    found === undefined
      ? { ...pick(declared, ACCOUNT_CREATED), defaultPolicy: defaultPolicy ?? DEFAULT_POLICY }
      : writtenAccount(found)
  const target = accountTarget(name)
  return changes(ACCOUNT_FACETS, {
    which: { account: name },
    target,
    stored,
    declared,
    revision: found?.revision,
  })
}

function importSteps(snapshot: Snapshot, document: AccountDocument): readonly Step[] {
  const { name } = document
  const found = accountIn(snapshot, name)
  const { imports, ...declared } = writtenAccount(document)
  const byName = importsByName(snapshot.accounts, imports as readonly Written[] | undefined)
  return changes(IMPORT_FACETS, {
    which: { account: name },
    target: accountTarget(name),
    stored: found === undefined ? {} : writtenAccount(found),
    declared: defined({ ...declared, imports: byName }),
    revision: found?.revision,
  })
}

function userSteps(snapshot: Snapshot, { name: account, users }: AccountDocument): readonly Step[] {
  const found = new Map((snapshot.users.get(account) ?? []).map((user) => [user.name, user]))
  return users.flatMap((user) => [...userStepsOf(account, user, found.get(user.name))])
}

function userStepsOf(account: string, user: UserDocument, found: UserRecord | undefined): readonly Step[] {
  const target = userTarget(account, user.name)
  const declared = writtenUser(user)
  const which = { account, user: user.name }
  if (found === undefined) {
    const first = pick(declared, USER_CREATED)
    const facts = { which, target, stored: first, declared, revision: undefined }
    return [
      created('user.create', { target, which: { account, name: user.name }, declared: first }),
      ...changes(USER_FACETS, facts),
    ]
  }
  const { revision } = found
  const held = (kind: 'policy' | 'role', has: readonly string[], wants: readonly string[]): readonly Step[] =>
    assignments({ kind, has, wants }, { which, target, revision })
  return [
    ...held('policy', found.policies, user.policies),
    ...held('role', found.roles, user.roles),
    ...changes(USER_FACETS, { which, target, stored: writtenUser(found), declared, revision }),
  ]
}

interface Held {
  readonly kind: 'policy' | 'role'
  readonly has: readonly string[]
  readonly wants: readonly string[]
}

/** What is missing is given before what is too much is taken. */
function assignments(
  { kind, has, wants }: Held,
  facts: Pick<Facts, 'which' | 'target' | 'revision'>,
): Step[] {
  const { which, target, revision } = facts
  const field = kind === 'policy' ? 'policies' : 'roles'
  const step = (name: string, each: string, change: Omit<FieldChange, 'field'>): Step => ({
    name,
    payload: { ...which, [kind]: each },
    target,
    change: 'change',
    fields: [{ field, ...change }],
    revision,
  })
  const without = (all: readonly string[], others: readonly string[]): readonly string[] =>
    [...new Set(all)].filter((each) => !others.includes(each))
  return [
    ...without(wants, has).map((each) => step(`user.assign-${kind}`, each, { new: [each] })),
    ...without(has, wants).map((each) => step(`user.remove-${kind}`, each, { old: [each] })),
  ]
}
