import type { Documents } from '../admin/documents.ts'
import { execute, type Admin } from '../admin/execute.ts'
import { accountNamed, ifThere, userNamed } from '../admin/lookup.ts'
import { View, type Actor } from '../admin/transaction.ts'
import { userCommands } from '../admin/user.ts'
import { hashToken } from '../keys/token.ts'
import type { SealedText, Vault } from '../keys/vault.ts'
import { readJsonFile, writeAtomically } from '../nats/data-dir.ts'

/** Tokens that `up` issued, sealed, by `<account>.<user>` ids. */
type TokenFile = Readonly<Record<string, Issued>>

/** Pending: sealed in the file, but whether its user has it by now is not known yet. */
interface Issued extends SealedText {
  readonly pending?: true
}

export interface TokenBook {
  readonly file: string
  readonly vault: Vault
  readonly admin: Admin
  readonly actor: Actor
}

type User = Awaited<ReturnType<typeof userNamed>>

/** A user by the names of its document. */
interface DeclaredUser {
  readonly account: string
  readonly name: string
}

interface Entry {
  readonly id: string
  readonly declared: DeclaredUser
  readonly token: string
  readonly issued: Issued
  /** Does the user have it now? */
  readonly isHeld: boolean
}

/** Users under way at a time; each new token is a commit of its own, which the server writes to disk. */
const CONCURRENCY = 16
const REMEDY = 'remove it, and every declared user gets a new token'

/**
 * A token for every user that the documents declare, by user name (`ACCOUNT/name` where two accounts share one). What
 * an earlier start issued is found again, sealed; what was issued and has been revoked since is not issued anew.
 *
 * New ones are sealed in the file before any is committed, so a crash leaves no credential that nobody knows: the next
 * start finds them pending and goes on.
 */
export async function declaredTokens(
  documents: Documents,
  book: TokenBook,
): Promise<Readonly<Record<string, string>>> {
  const declared = documents.accounts.flatMap(({ content }) =>
    content.users.map(({ name }): DeclaredUser => ({ account: content.name, name })),
  )
  const known = readTokens(book.file)
  const view = new View(book.admin.store)
  const found = await inParallel(declared, async (each) => {
    const account = await ifThere(accountNamed(view, each.account))
    const user = account && (await ifThere(userNamed(view, account, each.name)))
    return user === undefined ? [] : [entryOf(user, { declared: each, known, book })] // An admin deleted it since.
  })
  const entries = found.flat()
  await issuePending(entries, known, book)

  const timesDeclared = new Map<string, number>()
  for (const { name } of declared) timesDeclared.set(name, (timesDeclared.get(name) ?? 0) + 1)
  const valid = entries.filter(({ isHeld, issued }) => isHeld || issued.pending)
  return Object.fromEntries(
    valid.map(({ declared: { account, name }, token }) => [
      timesDeclared.get(name) === 1 ? name : `${account}/${name}`,
      token,
    ]),
  )
}

interface Given {
  readonly declared: DeclaredUser
  readonly known: TokenFile
  readonly book: TokenBook
}

function entryOf(user: User, { declared, known, book }: Given): Entry {
  const id = `${user.account}.${user.id}`
  const earlier = known[id]
  const token = earlier === undefined ? book.admin.secrets.createToken().token : book.vault.openText(earlier)
  const hash = hashToken(token)
  return {
    id,
    declared,
    token,
    issued: earlier ?? { ...book.vault.sealText(id, token), pending: true },
    isHeld: user.credentials.some((held) => held.kind === 'token' && held.hash === hash),
  }
}

async function issuePending(entries: readonly Entry[], known: TokenFile, book: TokenBook): Promise<void> {
  const pending = entries.filter(({ issued }) => issued.pending)
  if (pending.length === 0) return
  const write = (change: (issued: Issued) => Issued): void => {
    const changed = Object.fromEntries(pending.map(({ id, issued }) => [id, change(issued)]))
    writeAtomically(book.file, JSON.stringify({ ...known, ...changed }, null, 2))
  }
  write((issued) => issued)
  await inParallel(
    pending.filter(({ isHeld }) => !isHeld),
    (entry) => issue(entry, book),
  )
  write(({ pending: _pending, ...issued }) => issued)
}

/** The command as everybody sends it, but with the token that is in the file already. */
async function issue({ declared, token }: Entry, { admin, actor }: TokenBook): Promise<void> {
  const secrets = { ...admin.secrets, createToken: () => ({ token, hash: hashToken(token) }) }
  const payload = { account: declared.account, user: declared.name, label: 'gatehouse up' }
  await execute({ ...admin, secrets }, userCommands.issueToken, { actor, payload })
}

function readTokens(file: string): TokenFile {
  return (readJsonFile(file, { fields: [], remedy: REMEDY }) ?? {}) as TokenFile
}

/** In order, some at a time. A failure ends it, once nothing is under way any more. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  act: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  for (let from = 0; from < items.length; from += CONCURRENCY) {
    const settled = await Promise.allSettled(items.slice(from, from + CONCURRENCY).map(act))
    for (const each of settled) {
      if (each.status === 'rejected') throw each.reason
      results.push(each.value)
    }
  }
  return results
}
