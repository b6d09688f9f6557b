import { nameFault } from '../domain/name.ts'
import type { Fault } from '../errors.ts'
import { DEFAULT_POLICY } from './account.ts'
import type { Documents, Outline } from './documents.ts'
import { accountIfThere, ifThere, isReserved, policyNamed, theOperator } from './lookup.ts'
import type { View } from './transaction.ts'

/**
 * Names that lead nowhere, each at its place. Documents with faults of their own are asked too, for what can be read
 * of them; and what they seem to declare counts as declared, so that no fault is told for another's.
 */
export async function unresolved(view: View, documents: Documents): Promise<readonly Fault[]> {
  const faults: Fault[] = []
  for (const outline of documents.outlines) {
    if (outline.kind === 'operator') faults.push(...(await operatorFaults(view, outline)))
    if (outline.kind === 'policy') faults.push(...(await policyFaults(view, documents, outline)))
    if (outline.kind === 'account') faults.push(...(await accountFaults(view, documents, outline)))
  }
  return faults
}

async function operatorFaults(view: View, { name, locate }: Outline): Promise<readonly Fault[]> {
  const operator = await theOperator(view)
  if (!isName(name) || name === operator.name) return []
  const rule = `the operator is "${operator.name}" and keeps its name`
  return [{ where: `${locate(['name'])} name`, rule }]
}

async function policyFaults(
  view: View,
  { outlines }: Documents,
  { account, locate }: Outline,
): Promise<readonly Fault[]> {
  if (!isName(account) || outlines.some((other) => mayDeclare(other, 'account', account))) return []
  if ((await accountIfThere(view, account)) !== undefined) return []
  return [{ where: `${locate(['account'])} account`, rule: `there is no account "${account}"` }]
}

async function accountFaults(view: View, documents: Documents, outline: Outline): Promise<readonly Fault[]> {
  const { name, defaultPolicy, users, locate } = outline
  const stored = isName(name) ? await accountIfThere(view, name) : undefined
  if (stored !== undefined && isReserved(stored)) {
    const rule = `account "${stored.name}" belongs to Gatehouse: it cannot be declared`
    return [{ where: `${locate(['name'])} name`, rule }]
  }
  const faults: Fault[] = []
  const check = async (
    policy: string | undefined,
    path: readonly PropertyKey[],
    field: string,
  ): Promise<void> => {
    if (!isName(policy) || (await isKnownPolicy(view, documents, { account: name, policy }))) return
    faults.push({ where: `${locate(path)} ${field}`, rule: `there is no policy "${policy}"` })
  }
  const first = await firstDefault(view, documents, { name: name ?? '', defaultPolicy })
  for (const policy of new Set([defaultPolicy ?? DEFAULT_POLICY, first ?? DEFAULT_POLICY])) {
    await check(policy, ['defaultPolicy'], 'defaultPolicy')
  }
  for (const [i, { policies }] of users.entries()) {
    for (const [j, policy] of policies.entries()) {
      await check(policy, ['users', i, 'policies', j], `users[${i}].policies[${j}]`)
    }
  }
  return faults
}

/** What the account can have from its creation on: policies of its own come after it. */
export async function firstDefault(
  view: View,
  { outlines }: Documents,
  { name, defaultPolicy }: { readonly name: string; readonly defaultPolicy?: string | undefined },
): Promise<string | undefined> {
  if (!isName(defaultPolicy)) return undefined
  if (isName(name) && (await accountIfThere(view, name)) !== undefined) return defaultPolicy
  const isShared =
    outlines.some((each) => each.account === undefined && mayDeclare(each, 'policy', defaultPolicy)) ||
    (await ifThere(policyNamed(view, undefined, defaultPolicy))) !== undefined
  return isShared ? defaultPolicy : undefined
}

async function isKnownPolicy(
  view: View,
  { outlines }: Documents,
  { account, policy }: { readonly account: string | undefined; readonly policy: string },
): Promise<boolean> {
  const isUsable = (each: Outline): boolean => [undefined, account].includes(each.account)
  if (outlines.some((each) => isUsable(each) && mayDeclare(each, 'policy', policy))) return true
  const stored = isName(account) ? await accountIfThere(view, account) : undefined
  return (await ifThere(policyNamed(view, stored, policy))) !== undefined
}

/** A document that cannot say its kind or its name may be the one that is looked for. */
function mayDeclare(outline: Outline, kind: string, name: string): boolean {
  return [undefined, kind].includes(outline.kind) && [undefined, name].includes(outline.name)
}

/** Text that is no name has been told as a fault of its field. */
function isName(text: string | undefined): text is string {
  return text !== undefined && nameFault(text) === undefined
}
