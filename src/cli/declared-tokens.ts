import { existsSync, readFileSync } from 'node:fs'
import type { Documents } from '../admin/documents.ts'
import { execute, type Admin } from '../admin/execute.ts'
import { accountNamed, userNamed } from '../admin/lookup.ts'
import { View, type Actor } from '../admin/transaction.ts'
import { userCommands } from '../admin/user.ts'
import type { SealedText, Vault } from '../keys/vault.ts'
import { hashToken } from '../keys/token.ts'
import { writeAtomically } from '../nats/data-dir.ts'

/** Tokens that `up` issued, sealed, by `<account>.<user>` ids. */
type TokenFile = Readonly<Record<string, SealedText>>

export interface TokenBook {
  readonly file: string
  readonly vault: Vault
  readonly admin: Admin
  readonly actor: Actor
}

/**
 * A token for every user that the documents declare, by user name (`ACCOUNT/name` where two accounts share one). What
 * an earlier start issued is found again, sealed; what was issued and has been revoked since is not issued anew.
 */
export async function declaredTokens(
  documents: Documents,
  book: TokenBook,
): Promise<Readonly<Record<string, string>>> {
  const declared = documents.accounts.flatMap(({ content }) =>
    content.users.map((user) => ({ account: content.name, user: user.name })),
  )
  const tokens: Record<string, string> = {}
  for (const { account, user } of declared) {
    const token = await tokenOf(account, user, book)
    const shared = declared.some((other) => other.user === user && other.account !== account)
    if (token !== undefined) tokens[shared ? `${account}/${user}` : user] = token
  }
  return tokens
}

async function tokenOf(accountName: string, userName: string, book: TokenBook): Promise<string | undefined> {
  const { file, vault, admin, actor } = book
  const view = new View(admin.store)
  const user = await userNamed(view, await accountNamed(view, accountName), userName)
  const name = `${user.account}.${user.id}`
  const sealed = readTokens(file)[name]
  if (sealed !== undefined) {
    const token = vault.openText(sealed)
    const hash = hashToken(token)
    return user.credentials.some((held) => held.kind === 'token' && held.hash === hash) ? token : undefined
  }
  const payload = { account: accountName, user: userName, label: 'gatehouse up' }
  const { token } = await execute(admin, userCommands.issueToken, { actor, payload })
  const issued = String(token)
  writeAtomically(
    file,
    JSON.stringify({ ...readTokens(file), [name]: vault.sealText(name, issued) }, null, 2),
  )
  return issued
}

function readTokens(file: string): TokenFile {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as TokenFile) : {}
}
