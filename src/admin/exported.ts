import { Document, isMap, isScalar, isSeq } from 'yaml'
import { OPERATOR_SCOPE } from '../domain/policy.ts'
import { isReserved } from './lookup.ts'
import type { Snapshot } from './snapshot.ts'
import { writtenAccount, writtenPolicy, writtenRole, writtenUser, type Written } from './written.ts'

/** A document of what is. */
export interface Exported {
  readonly kind: 'operator' | 'account' | 'policy' | 'role'
  readonly name: string
  /** The account that a policy or a role belongs to. */
  readonly account?: string | undefined
  readonly document: Written
}

/**
 * What is, as documents that apply to no change, each with everything that it says in one order. SYS and AUTH are
 * Gatehouse's own and cannot be declared. No secret is in them: nobody tells one.
 */
export function exported(snapshot: Snapshot): readonly Exported[] {
  const { operator, accounts, policies, roles, users } = snapshot
  const owners = new Map(accounts.map(({ id, name }) => [id, name]))
  const owned = <Item extends { readonly name: string; readonly scope: string }>(
    kind: 'policy' | 'role',
    items: readonly Item[],
    written: (item: Item) => Written,
  ): readonly Exported[] =>
    byName(items).map((item) => {
      const { name } = item
      const account = item.scope === OPERATOR_SCOPE ? undefined : (owners.get(item.scope) ?? item.scope)
      const owner = account === undefined ? {} : { account }
      return { kind, name, account, document: { kind, name, ...owner, ...written(item) } }
    })
  return [
    ...(operator === undefined ? [] : [operatorDocument(operator)]),
    ...byName(accounts.filter((account) => !isReserved(account))).map((account): Exported => {
      const { name } = account
      const declared = byName(users.get(name) ?? []).map((user) => ({
        name: user.name,
        ...writtenUser(user),
      }))
      const document = {
        kind: 'account',
        name,
        ...writtenAccount(account),
        ...(declared.length === 0 ? {} : { users: declared }),
      }
      return { kind: 'account', name, document }
    }),
    ...owned('policy', policies, writtenPolicy),
    ...owned('role', roles, writtenRole),
  ]
}

function operatorDocument({ name, description }: NonNullable<Snapshot['operator']>): Exported {
  const told = description === undefined ? {} : { description }
  return { kind: 'operator', name, document: { kind: 'operator', name, ...told } }
}

function byName<Item extends { readonly name: string }>(items: readonly Item[]): readonly Item[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** As a file: the schema for editors in the first line, short lists of words on one line. */
export function exportedText({ document }: Exported, schema: string): string {
  const yaml = new Document(document, { aliasDuplicateObjects: false })
  flow(yaml.contents)
  return `# yaml-language-server: $schema=${schema}\n${yaml.toString({ lineWidth: 0, flowCollectionPadding: false })}`
}

const SHORT_MAX = 80

function flow(node: unknown): void {
  if (isMap(node)) for (const { value } of node.items) flow(value)
  if (!isSeq(node)) return
  const isOfWords = node.items.every((item) => isScalar(item))
  const length = node.items.reduce<number>(
    (sum, item) => sum + String(isScalar(item) ? item.value : '').length + 2,
    0,
  )
  if (isOfWords && length <= SHORT_MAX) node.flow = true
  else for (const item of node.items) flow(item)
}
