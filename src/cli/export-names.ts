import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Exported } from '../admin/exported.ts'

const FOLDER_OF = { operator: 'operator', account: 'accounts', policy: 'policies', role: 'roles' } as const

/** File systems end at 255 bytes. */
const LENGTH_MAX = 180

/**
 * Where each document goes, relative to the folder of the export: `policies/<name>.yaml`, and of an account's own
 * `policies/<ACCOUNT>/<name>.yaml`. No two names share a file, also where upper and lower case are the same.
 */
export function exportPaths(documents: readonly Exported[]): ReadonlyMap<Exported, string> {
  const accounts = stems(
    documents.flatMap(({ account, kind, name }) => (kind === 'account' ? [name] : (account ?? []))),
  )
  const paths = new Map<Exported, string>()
  for (const [place, group] of grouped(documents)) {
    const names = stems(group.map(({ name }) => name))
    for (const document of group) {
      const { account, name } = document
      const folder =
        account === undefined ? place : join(FOLDER_OF[document.kind], accounts.get(account) ?? '')
      paths.set(document, join(folder, `${names.get(name) ?? ''}.yaml`))
    }
  }
  return paths
}

function grouped(documents: readonly Exported[]): ReadonlyMap<string, readonly Exported[]> {
  const groups = new Map<string, Exported[]>()
  for (const document of documents) {
    const folder = FOLDER_OF[document.kind]
    const place = document.account === undefined ? folder : `${folder}/${document.account}`
    groups.set(place, [...(groups.get(place) ?? []), document])
  }
  return groups
}

/** What each name is called as a file. Where two would be the same but for their case, both say which they are. */
function stems(names: readonly string[]): ReadonlyMap<string, string> {
  const distinct = [...new Set(names)]
  const times = new Map<string, number>()
  for (const name of distinct) {
    const folded = stemOf(name).toLowerCase()
    times.set(folded, (times.get(folded) ?? 0) + 1)
  }
  return new Map(
    distinct.map((name) => {
      const stem = stemOf(name)
      return [name, times.get(stem.toLowerCase()) === 1 ? stem : `${stem}~${digest(name)}`]
    }),
  )
}

/** Device names of Windows, whatever follows their first dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=$|\.)/i

/** Plain characters as they are, everything else by its bytes as in a URL. */
function stemOf(name: string): string {
  const escaped = name
    .replaceAll(/[^A-Za-z0-9@_.+=,-]/gu, percent)
    // It must not be taken for a flag, a test, another kind of file, or a folder that ends where the dot is.
    .replace(/^-/, percent)
    .replace(/\.(?=(?:test|ya?ml|json)?$)/i, percent)
    .replace(DEVICE, (device) => percent(device.charAt(0)) + device.slice(1))
  return escaped.length <= LENGTH_MAX ? escaped : `${escaped.slice(0, LENGTH_MAX)}~${digest(name)}`
}

function percent(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

function digest(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 8)
}
