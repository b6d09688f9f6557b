import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { SourceFile } from '../admin/documents.ts'
import { GatehouseError } from '../errors.ts'

/** Where documents lie, in a folder that has more than documents. */
const FOLDERS = ['operator', 'accounts', 'policies', 'roles'] as const

/** A test of a policy lies beside it. */
const DOCUMENT = /(?<!\.test)\.(?:ya?ml|json)$/

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
    if (!found.isDirectory()) return [await readSource(path)]
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

async function readSource(file: string): Promise<SourceFile> {
  const near = relative(process.cwd(), file)
  const text = await orUnreadable(file, readFile(file, 'utf8'))
  return { path: near.startsWith('..') ? file : near, text }
}

/** The documents of the four folders, by their paths. Undefined when it has none of the folders. */
export async function documentFiles(root: string): Promise<readonly string[] | undefined> {
  const there = FOLDERS.map((folder) => join(root, folder)).filter((folder) => existsSync(folder))
  if (there.length === 0) return undefined
  return (await Promise.all(there.map(documentsIn))).flat()
}

async function documentsIn(folder: string): Promise<readonly string[]> {
  const names = await orUnreadable(folder, readdir(folder, { recursive: true }))
  const isHidden = (name: string): boolean => /(?:^|[/\\])\./.test(name)
  const documents = names.filter((name) => DOCUMENT.test(name) && !isHidden(name))
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
