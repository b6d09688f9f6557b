import { createHash } from 'node:crypto'
import type { SourceFile } from '../admin/documents.ts'
import { readJsonFile, writeAtomically, type DataDir } from '../nats/data-dir.ts'
import { VERSION } from '../version.ts'

const NAME = 'applied.json'

/**
 * Documents are applied when they say something else than at the last start, and not because the process was started
 * again: what admins changed by command since then stays changed. `undefined` when there is nothing new. `note` is
 * called once they are applied; until then the next start applies them.
 */
export function changedDocuments(
  dir: DataDir,
  sources: readonly SourceFile[],
): { readonly note: () => void } | undefined {
  const file = dir.file(NAME)
  const digest = digestOf(sources)
  const remedy = 'remove it, and the documents are applied again'
  if (readJsonFile(file, { fields: ['digest'], remedy })?.['digest'] === digest) return undefined
  return { note: () => writeAtomically(file, `${JSON.stringify({ digest }, null, 2)}\n`) }
}

/** Another version may read more out of the same text. */
function digestOf(sources: readonly SourceFile[]): string {
  const texts = sources.map(({ text }) => text)
  return createHash('sha256')
    .update(JSON.stringify([VERSION, texts]))
    .digest('hex')
}
