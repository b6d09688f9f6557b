import { join, resolve } from 'node:path'
import { GatehouseError } from '../errors.ts'
import {
  cached,
  cacheFolder,
  entryPath,
  keep,
  withLock,
  withStaging,
  type CacheName,
} from './binary-cache.ts'
import { fetchByGo } from './binary-go.ts'
import { fetchPackage } from './binary-package.ts'
import { fetchRelease } from './binary-release.ts'
import { programOnPath, reasonOf } from './binary-run.ts'
import type { Fetch, Fetching, Found, Search, Tool, Way } from './binary-tool.ts'
import { compareVersions, versionOf } from './binary-version.ts'

const FETCHES: readonly (readonly [Way, Fetch])[] = [
  ['release archive', fetchRelease],
  ['Debian package', fetchPackage],
  ['go install', fetchByGo],
]

/** One search: what is looked for, with every choice that the caller left open made. */
interface Hunt extends Search {
  readonly tool: Tool
  readonly cacheDir: string
  readonly name: CacheName
}

/**
 * Finds an outside program, or fetches it once into the cache. In this order: the one the user named in the tool's
 * variable (and no other: an explicit choice that does not work is an error), one on PATH that is new enough, the
 * cache, the release archive, the Debian package, `go install`, and at last whatever the cache has that is not too
 * old. Nothing is given away that has not just run and told its version.
 *
 * @throws GatehouseError `invalid_configuration` for a bad variable; the tool's own code when all ways fail.
 */
export async function findTool(tool: Tool, search: Search): Promise<Found> {
  const hunt = begin(tool, search)
  if (search.version === undefined) {
    const named = search.env[tool.variable]
    if (named !== undefined && named !== '') return namedByUser(hunt, resolve(named))
    const installed = await onPath(hunt)
    if (installed !== undefined) return installed
  }
  return (await inCache(hunt)) ?? (await fetchOnce(hunt))
}

function begin(tool: Tool, search: Search): Hunt {
  const { platform = process.platform, arch = process.arch } = search
  const cacheDir = resolve(search.cacheDir ?? cacheFolder(search.env))
  return { ...search, tool, cacheDir, name: { tool: tool.name, platform, arch } }
}

async function namedByUser({ tool, env }: Hunt, path: string): Promise<Found> {
  let rule
  try {
    const version = await versionOf(path, env)
    if (compareVersions(version, tool.minimum) >= 0) return { path, version, origin: 'variable' }
    rule = `${path} is version ${version}, and ${tool.minimum} or newer is needed`
  } catch (error) {
    rule = reasonOf(error)
  }
  const faults = [{ where: tool.variable, rule }]
  throw new GatehouseError('invalid_configuration', `${tool.variable}: ${rule}`, { faults })
}

async function onPath({ tool, env, report }: Hunt): Promise<Found | undefined> {
  const path = await programOnPath(tool.name, env)
  if (path === undefined) return undefined
  try {
    const version = await versionOf(path, env)
    if (compareVersions(version, tool.minimum) >= 0) return { path, version, origin: 'path' }
    report({ text: `${path} is version ${version}, older than ${tool.minimum}: looking further` })
  } catch (error) {
    report({ text: `${reasonOf(error)}: looking further` })
  }
  return undefined
}

/** Of the cache only what would be fetched now: the version wanted, or what Debian had last time. */
async function inCache(hunt: Hunt): Promise<Found | undefined> {
  const wanted = hunt.version ?? hunt.tool.pinned
  const accepts = (entry: { version: string; packaged: boolean }): boolean =>
    entry.packaged ? hunt.version === undefined : entry.version === wanted
  return firstThatRuns(hunt, accepts)
}

async function firstThatRuns(
  { tool, env, cacheDir, name }: Hunt,
  accepts: (entry: { version: string; packaged: boolean }) => boolean,
): Promise<Found | undefined> {
  for (const entry of await cached(cacheDir, name)) {
    if (!accepts(entry) || compareVersions(entry.version, tool.minimum) < 0) continue
    // A damaged file is as good as none: it is fetched again and replaced.
    const version = await versionOf(entry.path, env).catch(() => undefined)
    if (version === entry.version) return { path: entry.path, version, origin: 'cache' }
  }
  return undefined
}

async function fetchOnce(hunt: Hunt): Promise<Found> {
  const { tool, cacheDir, signal, report } = hunt
  const wanted = hunt.version ?? tool.pinned
  const lock = {
    file: join(cacheDir, `.${tool.name}-${wanted}.lock`),
    signal,
    onWait: () => report({ text: `another process is fetching ${tool.name} ${wanted}: waiting for it` }),
  }
  return withLock(lock, async () => (await inCache(hunt)) ?? fetchSomehow(hunt, wanted))
}

async function fetchSomehow(hunt: Hunt, version: string): Promise<Found> {
  const { tool, report, signal } = hunt
  const reasons: string[] = []
  for (const [way, fetch] of FETCHES) {
    if (way === 'Debian package' && hunt.version !== undefined) continue
    try {
      return await attempt(hunt, { version, way, fetch })
    } catch (error) {
      signal?.throwIfAborted()
      reasons.push(`${way}: ${reasonOf(error)}`)
      report({ text: `${tool.name}: no ${way}: ${reasonOf(error)}` })
    }
  }
  const older = hunt.version === undefined ? await firstThatRuns(hunt, () => true) : undefined
  if (older !== undefined) return older
  throw missing(hunt, reasons)
}

async function attempt(
  hunt: Hunt,
  { version, way, fetch }: { version: string; way: Way; fetch: Fetch },
): Promise<Found> {
  const { tool, env, report, signal, cacheDir, name } = hunt
  return withStaging(cacheDir, async (folder) => {
    const { platform = process.platform, arch = process.arch } = hunt
    const fetching: Fetching = { tool, version, folder, env, platform, arch, report, signal }
    report({ text: `fetching ${tool.name} ${version}: ${way}` })
    const program = await fetch(fetching)
    const told = await versionOf(program, env)
    const packaged = way === 'Debian package'
    if (packaged ? compareVersions(told, tool.minimum) < 0 : told !== version) {
      throw new Error(`version ${told} came`)
    }
    const path = entryPath(cacheDir, name, { version: told, packaged })
    await keep(program, path)
    report({ text: `fetched ${tool.name} ${told} into ${path}` })
    return { path, version: told, origin: way }
  })
}

function missing({ tool, version }: Hunt, reasons: readonly string[]): GatehouseError {
  const what = version ?? `${tool.minimum} or newer`
  const advice = `Install ${tool.name} ${version ?? tool.pinned}, or name one with ${tool.variable}.`
  const lines = reasons.map((reason) => `  ${reason}\n`).join('')
  return new GatehouseError(
    tool.missing,
    `no ${tool.name} ${what} was found, and none could be fetched\n${lines}${advice}`,
  )
}
