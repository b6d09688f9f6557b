import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { COMMAND_NAMES } from '../admin/apply.ts'
import { exported, exportedText } from '../admin/exported.ts'
import { jsonSchemas } from '../admin/json-schemas.ts'
import { readSnapshot } from '../admin/snapshot.ts'
import { GatehouseError } from '../errors.ts'
import { openClient } from '../nats/client.ts'
import { exportPaths } from './export-names.ts'
import { timeoutOf, type ConnectionFlags } from './options.ts'
import type { Shell } from './shell.ts'
import { FOLDERS } from './sources.ts'
import { targetOf } from './target.ts'

export interface ExportFlags extends ConnectionFlags {
  readonly force?: true
}

/** Writes what is as documents. Throws `already_exists` before it writes over anything that says something else. */
export async function exportTo(dir: string, flags: ExportFlags, shell: Shell): Promise<void> {
  const timeoutMs = timeoutOf(flags)
  const target = await targetOf(flags, shell)
  await using client = await openClient({ ...target, ...(timeoutMs !== undefined && { timeoutMs }) })
  const offers = (name: string): boolean => COMMAND_NAMES.has(name)
  const request = client.request.bind(client)
  const documents = exported(await readSnapshot({ request, offers }, { operator: true, users: () => 'all' }))
  const paths = exportPaths(documents)

  const files = new Map<string, string>()
  const schemas = schemaFolder(dir)
  for (const document of documents) {
    const path = paths.get(document) ?? ''
    const schema = relative(dirname(path), join(schemas, `${document.kind}.json`))
    files.set(path, exportedText(document, schema.replaceAll('\\', '/')))
  }
  if (schemas === OWN_SCHEMAS)
    for (const [file, schema] of jsonSchemas())
      files.set(join(schemas, file), `${JSON.stringify(schema, null, 2)}\n`)
  await write(dir, files, { flags, shell })
}

const OWN_SCHEMAS = 'schemas'

/** In the repository of Gatehouse its own; everywhere else they come along. */
function schemaFolder(dir: string): string {
  const published = join('docs', 'schemas')
  return existsSync(join(dir, published, 'policy.json')) ? published : OWN_SCHEMAS
}

interface Writing {
  readonly flags: ExportFlags
  readonly shell: Shell
}

async function write(
  dir: string,
  files: ReadonlyMap<string, string>,
  { flags, shell }: Writing,
): Promise<void> {
  const changed: string[] = []
  const different: string[] = []
  for (const [path, text] of files) {
    const present = await textOf(join(dir, path))
    if (present === text) continue
    changed.push(path)
    // The schemas are generated: another version of Gatehouse has others.
    if (present !== undefined && !path.startsWith(OWN_SCHEMAS)) different.push(path)
  }
  if (different.length > 0 && flags.force !== true) {
    const list = different.map((path) => `  ${join(dir, path)}`).join('\n')
    const message = `these files say something else, nothing was written: --force writes over them\n${list}`
    throw new GatehouseError('already_exists', message)
  }
  for (const path of changed) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), files.get(path) ?? '')
  }
  const { err } = shell.terminal
  const files_ = changed.length === 1 ? '1 file' : `${changed.length} files`
  err.write(`gatehouse: ${changed.length === 0 ? 'nothing to write: all is as it was' : `wrote ${files_}`}\n`)
  for (const path of await strangers(dir, files))
    err.write(`gatehouse: ${join(dir, path)} is not part of it: applying the folder declares that as well\n`)
  if (flags.json === true || flags.output === 'json')
    await shell.print(`${JSON.stringify({ written: changed })}\n`)
}

/** Undefined when there is no such file. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Documents in the folders that did not come from here. */
async function strangers(dir: string, files: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const found: string[] = []
  for (const folder of FOLDERS) {
    if (!existsSync(join(dir, folder))) continue
    const names = await readdir(join(dir, folder), { recursive: true })
    found.push(...names.filter((name) => /\.(?:ya?ml|json)$/.test(name)).map((name) => join(folder, name)))
  }
  return found.filter((path) => !files.has(path)).sort()
}
