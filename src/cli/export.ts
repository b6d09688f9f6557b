import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { COMMAND_NAMES } from '../admin/apply.ts'
import { exported, exportedText } from '../admin/exported.ts'
import { jsonSchemas } from '../admin/json-schemas.ts'
import { readSnapshot } from '../admin/snapshot.ts'
import { GatehouseError } from '../errors.ts'
import { isMap } from './body.ts'
import { connected } from './connected.ts'
import { exportPaths } from './export-names.ts'
import { formatOf, timeoutOf, type ConnectionFlags } from './options.ts'
import { written } from './output.ts'
import type { Shell } from './shell.ts'
import { documentFiles } from './sources.ts'

export interface ExportFlags extends ConnectionFlags {
  readonly force?: true
}

/** Writes what is as documents. Throws `already_exists` before it writes over anything that says something else. */
export async function exportTo(dir: string, flags: ExportFlags, shell: Shell): Promise<void> {
  const timeoutMs = timeoutOf(flags)
  const format = formatOf(flags)
  await refuseFile(dir)
  await using client = await connected(flags, shell, { timeoutMs })
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
  const changed = await write(dir, files, flags)
  const { err } = shell.terminal
  const wrote = changed.length === 1 ? 'wrote 1 file' : `wrote ${changed.length} files`
  err.write(`gatehouse: ${changed.length === 0 ? 'nothing to write: all is as it was' : wrote}\n`)
  for (const path of await strangers(dir, files))
    err.write(`gatehouse: ${join(dir, path)} is not part of it: applying the folder declares that as well\n`)
  if (format !== 'table') await shell.print(written({ written: changed }, format))
}

/** Throws `invalid_configuration` where no folder can be. One that is not there yet will be made. */
async function refuseFile(dir: string): Promise<void> {
  await readdir(dir).catch((cause: unknown) => {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'it failed'
    if (code === 'ENOENT') return
    const why = code === 'ENOTDIR' ? 'is no folder' : `cannot be read (${code})`
    throw new GatehouseError('invalid_configuration', `${dir} ${why}: name one to write to`, { cause })
  })
}

const OWN_SCHEMAS = 'schemas'

/** In the repository of Gatehouse its own; everywhere else they come along. */
function schemaFolder(dir: string): string {
  const published = join('docs', 'schemas')
  return existsSync(join(dir, published, 'policy.json')) ? published : OWN_SCHEMAS
}

/** What was written: files that say the same already stay as they are. */
async function write(
  dir: string,
  files: ReadonlyMap<string, string>,
  { force }: ExportFlags,
): Promise<readonly string[]> {
  const changed: string[] = []
  const different: string[] = []
  for (const [path, text] of files) {
    const present = await textOf(join(dir, path))
    if (present === text) continue
    changed.push(path)
    if (present !== undefined && !isOwnSchema(present, text)) different.push(path)
  }
  if (different.length > 0 && force !== true) {
    const list = different.map((path) => `  ${join(dir, path)}`).join('\n')
    const message = `these files say something else, nothing was written: --force writes over them\n${list}`
    throw new GatehouseError('already_exists', message)
  }
  for (const path of changed) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), files.get(path) ?? '')
  }
  return changed
}

/** Schemas are generated, and another version of Gatehouse wrote others of the same id. */
function isOwnSchema(present: string, text: string): boolean {
  const id = schemaId(text)
  return id !== undefined && schemaId(present) === id
}

function schemaId(text: string): unknown {
  try {
    const schema: unknown = JSON.parse(text)
    return isMap(schema) ? schema['$id'] : undefined
  } catch {
    return undefined // Documents are YAML, and what somebody else put there is anything.
  }
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

/** Documents in the folders that did not come from here, and that `apply` reads all the same. */
async function strangers(dir: string, files: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const declared = (await documentFiles(dir)) ?? []
  return declared.map((file) => relative(dir, file)).filter((path) => !files.has(path))
}
