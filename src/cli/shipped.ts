import { join } from 'node:path'
import { DEFAULT_POLICY } from '../admin/account.ts'
import { readDocuments, type Documents, type SourceFile } from '../admin/documents.ts'
import { readSource } from './sources.ts'

/**
 * Documents, and the shipped policy `base` where they declare none: an account that says nothing of its default has
 * it, and a system that was founded on the samples has it stored. Throws `invalid_configuration` when it cannot be read.
 */
export async function readWithBase(sources: readonly SourceFile[], packageDir: string): Promise<Documents> {
  const documents = readDocuments(sources)
  const isDeclared = documents.outlines.some(
    ({ kind, name, account }) => kind === 'policy' && name === DEFAULT_POLICY && account === undefined,
  )
  if (isDeclared) return documents
  const shipped = await readSource(join(packageDir, 'policies', `${DEFAULT_POLICY}.yaml`))
  return readDocuments([...sources, shipped])
}
