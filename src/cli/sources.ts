import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { SourceFile } from '../admin/documents.ts'

const FOLDERS = ['operator', 'accounts', 'policies'] as const

/** Every YAML file of the three folders, in the order of their names. A folder that is not there declares nothing. */
export async function readSources(root: string): Promise<readonly SourceFile[]> {
  const files: SourceFile[] = []
  for (const folder of FOLDERS) {
    for (const file of await yamlFiles(join(root, folder))) {
      files.push({ path: relative(process.cwd(), file), text: await readFile(file, 'utf8') })
    }
  }
  return files
}

async function yamlFiles(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder, { recursive: true })
    const yaml = names.filter((name) => /(?<!\.test)\.ya?ml$/.test(name))
    return yaml.sort().map((name) => join(folder, name))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
