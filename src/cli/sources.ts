import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { SourceFile } from '../admin/documents.ts'
import { GatehouseError } from '../errors.ts'

const FOLDERS = ['operator', 'accounts', 'policies', 'roles'] as const

/**
 * Every YAML file of the three folders, in the order of their names. A folder that is not there declares nothing; where
 * there is none of the three, or something cannot be read, that is `invalid_configuration`.
 */
export async function readSources(root: string): Promise<readonly SourceFile[]> {
  const folders = await Promise.all(FOLDERS.map((folder) => yamlFiles(join(root, folder))))
  if (folders.every((folder) => folder === undefined)) {
    const message = `${root} has none of operator/, accounts/ and policies/: name a folder of documents with --documents`
    throw new GatehouseError('invalid_configuration', message)
  }
  return Promise.all(
    folders
      .flatMap((files = []) => files)
      .map(async (file) => {
        const text = await orUnreadable(file, readFile(file, 'utf8'))
        return { path: relative(process.cwd(), file), text }
      }),
  )
}

/** Undefined when there is no such folder. */
async function yamlFiles(folder: string): Promise<readonly string[] | undefined> {
  if (!existsSync(folder)) return undefined
  const names = await orUnreadable(folder, readdir(folder, { recursive: true }))
  const yaml = names.filter((name) => /(?<!\.test)\.ya?ml$/.test(name))
  return yaml.sort().map((name) => join(folder, name))
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
