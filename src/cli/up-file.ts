import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { GatehouseError } from '../errors.ts'
import { holderOf, readJsonFile, writeAtomically } from '../nats/data-dir.ts'

/** What a running `gatehouse up` tells scripts: `<data-dir>/up.json`, mode 0600, there while it runs. */
export interface UpFile {
  readonly url: string
  readonly http: string
  readonly websocket: string
  readonly mqtt: string
  readonly pid: number
  readonly tokens: Readonly<Record<string, string>>
}

const NAME = 'up.json'

export function upFilePath(dataDir: string): string {
  return join(dataDir, NAME)
}

/** Written when everything answers; gone when it no longer does. */
export function publishUpFile(dataDir: string, content: UpFile): Disposable {
  const path = upFilePath(dataDir)
  writeAtomically(path, `${JSON.stringify(content, null, 2)}\n`)
  return { [Symbol.dispose]: () => removeUpFile(dataDir) }
}

/** One that a killed run left would tell of a Gatehouse that is not there. */
export function removeUpFile(dataDir: string): void {
  rmSync(upFilePath(dataDir), { force: true })
}

/** Throws `not_found` when nothing runs on the directory: a file that a killed run left tells of nobody. */
export async function readUpFile(dataDir: string): Promise<UpFile> {
  const remedy = 'stop that Gatehouse and start it again'
  const found = readJsonFile(upFilePath(dataDir), { fields: ['pid', 'tokens'], remedy })
  if (found === undefined || (await holderOf(dataDir)) !== found['pid'])
    throw new GatehouseError('not_found', `no Gatehouse runs on ${dataDir}: start one with npm start`)
  return found as unknown as UpFile
}
