import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { SourceFile } from '../admin/documents.ts'
import { GatehouseError } from '../errors.ts'

/** Where documents lie, in a folder that has more than documents. */
const FOLDERS = ['operator', 'accounts', 'policies', 'roles'] as const

/** What declares something. Tests of policies, and what lint may find in them, lie beside them and declare nothing. */
const DOCUMENT = /(?<!\.(?:test|lint))\.(?:ya?ml|json)$/
const TEST = /\.test\.(?:ya?ml|json)$/
const LINT = /\.lint\.(?:ya?ml|json)$/
const ANY_OF_THEM = /\.(?:ya?ml|json)$/

const STANDARD_INPUT = '-'

/**
 * Every document of the four folders, in the order of their names. A folder that is not there declares nothing; where
 * there is none of the four, or something cannot be read, that is `invalid_configuration`.
 */
export async function readSources(root: string): Promise<readonly SourceFile[]> {
  const files = await documentFiles(root)
  if (files === undefined) {
    const message = `${root} has none of operator/, accounts/, policies/ and roles/: name a folder of documents with --documents`
    throw new GatehouseError('invalid_configuration', message)
  }
  return Promise.all(files.map(readSource))
}

/**
 * The documents that somebody names: files, folders with everything in them, `-` for standard input. Of a folder that
 * has operator/, accounts/, policies/ or roles/ it is those four. Throws `invalid_configuration` for what is not there.
 */
export async function readPaths(
  paths: readonly string[],
  readInput: () => Promise<string>,
): Promise<readonly SourceFile[]> {
  const read = paths.map(async (path) => {
    if (path === STANDARD_INPUT) return [{ path: 'standard input', text: await readInput() }]
    const found = await orUnreadable(path, stat(path))
    if (!found.isDirectory()) return TEST.test(path) || LINT.test(path) ? [] : [await readSource(path)]
    const files = (await documentFiles(path)) ?? (await documentsIn(path))
    if (files.length === 0) {
      const message = `${path} has no documents: no .yaml, .yml or .json file is in it`
      throw new GatehouseError('invalid_configuration', message)
    }
    return Promise.all(files.map(readSource))
  })
  const all = (await Promise.all(read)).flat()
  return [...new Map(all.map((source) => [source.path, source])).values()] // One that is named twice is read once.
}

/** Everything about policies that lies in some places. */
export interface Papers {
  readonly documents: readonly SourceFile[]
  /** `*.test.yaml` */
  readonly tests: readonly SourceFile[]
  /** `*.lint.yaml` */
  readonly accepted: readonly SourceFile[]
}

/**
 * The documents under these paths, with the tests and what lint may find beside them. Where tests alone are named the
 * documents are those of this folder. Throws `invalid_configuration` for what is not there.
 */
export async function readPapers(paths: readonly string[]): Promise<Papers> {
  const all = paths.length === 0 ? [await papersHere()] : await Promise.all(paths.map(papersIn))
  const files = [...new Map(all.flat().map((source) => [source.path, source])).values()]
  const documents = files.filter(({ path }) => !TEST.test(path) && !LINT.test(path))
  const here =
    documents.length > 0 ? documents : await Promise.all(((await documentFiles('.')) ?? []).map(readSource))
  if (here.length === 0) {
    const message = 'there are no documents: name a folder that has operator/, accounts/, policies/ or roles/'
    throw new GatehouseError('invalid_configuration', message)
  }
  const named = (pattern: RegExp): readonly SourceFile[] => files.filter(({ path }) => pattern.test(path))
  return { documents: here, tests: named(TEST), accepted: named(LINT) }
}

async function papersHere(): Promise<readonly SourceFile[]> {
  return Promise.all(((await documentFiles('.', ANY_OF_THEM)) ?? []).map(readSource))
}

/** What lint may find, of what lies under these paths; of this folder where none is named. */
export async function readAccepted(paths: readonly string[]): Promise<readonly SourceFile[]> {
  const files = paths.length === 0 ? [await papersHere()] : await Promise.all(paths.map(papersIn))
  return files.flat().filter(({ path }) => LINT.test(path))
}

async function papersIn(path: string): Promise<readonly SourceFile[]> {
  const found = await orUnreadable(path, stat(path))
  if (!found.isDirectory()) return [await readSource(path)]
  const files = (await documentFiles(path, ANY_OF_THEM)) ?? (await documentsIn(path, ANY_OF_THEM))
  return Promise.all(files.map(readSource))
}

export async function readSource(file: string): Promise<SourceFile> {
  const near = relative(process.cwd(), file)
  const text = await orUnreadable(file, readFile(file, 'utf8'))
  return { path: near.startsWith('..') ? file : near, text }
}

/** The documents of the four folders, by their paths. Undefined when it has none of the folders. */
export async function documentFiles(
  root: string,
  pattern = DOCUMENT,
): Promise<readonly string[] | undefined> {
  const there = FOLDERS.map((folder) => join(root, folder)).filter((folder) => existsSync(folder))
  if (there.length === 0) return undefined
  return (await Promise.all(there.map((folder) => documentsIn(folder, pattern)))).flat()
}

async function documentsIn(folder: string, pattern = DOCUMENT): Promise<readonly string[]> {
  const names = await orUnreadable(folder, readdir(folder, { recursive: true }))
  const isHidden = (name: string): boolean => /(?:^|[/\\])\./.test(name)
  const documents = names.filter((name) => pattern.test(name) && !isHidden(name))
  return documents.sort().map((name) => join(folder, name))
}

async function orUnreadable<Content>(path: string, reading: Promise<Content>): Promise<Content> {
  try {
    return await reading
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const message = `the documents in ${path} cannot be read: ${why}`
    throw new GatehouseError('invalid_configuration', message, { cause })
  }
}
