import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parseDocuments, type Documents } from '../../src/admin/documents.ts'
import { accountNamed, userNamed } from '../../src/admin/lookup.ts'
import { View } from '../../src/admin/transaction.ts'
import { declaredTokens, type TokenBook } from '../../src/cli/declared-tokens.ts'
import { readSources } from '../../src/cli/sources.ts'
import { hashToken } from '../../src/keys/token.ts'
import { temporaryFolder, type Folder } from '../support/programs.ts'
import { openWorld, PROJECT, type World } from '../support/world.ts'

const MANY = 40
let folder: Folder
let world: World
let documents: Documents
let book: TokenBook

beforeAll(async () => {
  folder = await temporaryFolder()
  await cp(join(PROJECT, 'policies'), join(folder.path, 'policies'), { recursive: true })
  const accounts = join(folder.path, 'accounts')
  await mkdir(accounts)
  const users = Array.from({ length: MANY }, (_, n) => `  - name: user-${n}\n`).join('')
  await writeFile(join(accounts, 'many.yaml'), `kind: account\nname: MANY\nusers:\n${users}  - name: twin\n`)
  await writeFile(join(accounts, 'one.yaml'), 'kind: account\nname: ONE\nusers:\n  - name: twin\n')
  world = await openWorld({ documents: folder.path })
  documents = parseDocuments(await readSources(folder.path))
  const actor = { account: world.trust.chain.admin, user: 'test' }
  book = { file: world.dir.file('tokens.json'), vault: world.vault, admin: world.gatehouse.admin, actor }
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

/** Hashes of the tokens that a user of MANY has. */
async function hashesOf(name: string): Promise<string[]> {
  const view = new View(book.admin.store)
  const user = await userNamed(view, await accountNamed(view, 'MANY'), name)
  return user.credentials.flatMap((held) => (held.kind === 'token' ? [held.hash] : []))
}

describe('the tokens of declared users', () => {
  it('are one for each, named by account where a name is shared', () => {
    const names = Array.from({ length: MANY }, (_, n) => `user-${n}`)
    expect(Object.keys(world.tokens).sort()).toEqual([...names, 'MANY/twin', 'ONE/twin'].sort())
    expect(new Set(Object.values(world.tokens)).size).toBe(MANY + 2)
  })

  it('are found again, and let in', async () => {
    const file = await readFile(book.file, 'utf8')
    expect(await declaredTokens(documents, book)).toEqual(world.tokens)
    expect(await readFile(book.file, 'utf8')).toBe(file)
    expect(file).not.toContain('pending')
    await world.connectAs('user-7')
  })

  describe('when it crashes', () => {
    const file = (): string => `${book.file}.crash`
    beforeEach(() => rm(file(), { force: true }))

    it.each(['before', 'after'] as const)('%s a commit, lose none and leave none unknown', async (when) => {
      const earlier = await hashesOf('user-20')
      let commits = 0
      const { store } = book.admin
      const commit: typeof store.commit = async (writes) => {
        commits += 1
        if (when === 'before' && commits > 20) throw new Error('killed')
        const revisions = await store.commit(writes)
        if (when === 'after' && commits > 20) throw new Error('killed')
        return revisions
      }
      const dying = {
        ...book,
        file: file(),
        admin: { ...book.admin, store: { get: store.get.bind(store), page: store.page.bind(store), commit } },
      }
      await expect(declaredTokens(documents, dying)).rejects.toThrow('killed')

      const tokens = await declaredTokens(documents, { ...book, file: file() })
      for (let n = 0; n < MANY; n += 1) {
        const hashes = await hashesOf(`user-${n}`)
        expect(hashes).toHaveLength(earlier.length + 1)
        expect(hashes).toContain(hashToken(tokens[`user-${n}`] ?? ''))
      }
      expect(await declaredTokens(documents, { ...book, file: file() })).toEqual(tokens)
    })
  })

  it('are not issued anew when they were taken away', async () => {
    const other = `${book.file}.taken`
    const known = JSON.parse(await readFile(book.file, 'utf8')) as Record<string, unknown>
    const id = Object.keys(known)[3]!
    await writeFile(other, JSON.stringify({ ...known, [id]: book.vault.sealText(id, 'one that nobody has') }))
    const tokens = await declaredTokens(documents, { ...book, file: other })
    expect(Object.keys(tokens)).toHaveLength(MANY + 1)
  })

  it('tell of a damaged file by name', async () => {
    const damaged = `${book.file}.damaged`
    await writeFile(damaged, '{"A')
    await expect(declaredTokens(documents, { ...book, file: damaged })).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining(damaged) as string,
    })
  })
})
