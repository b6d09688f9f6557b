import { access, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { programOnPath, reasonOf, run } from './binary-run.ts'
import type { Fetching } from './binary-tool.ts'
import { compareVersions, parseVersion } from './binary-version.ts'

/** Where Debian offers newer programs than the release that a machine runs, the smallest first. */
const SUITES = ['trixie-backports', 'forky', 'sid'] as const
const MIRROR = 'http://deb.debian.org/debian'
const KEYRINGS = ['debian-archive-keyring.gpg', 'debian-archive-keyring.pgp'].map(
  (file) => `/usr/share/keyrings/${file}`,
)
const UPDATE_MS_MAX = 120_000
const DOWNLOAD_MS_MAX = 120_000
const ASK_MS_MAX = 20_000

/**
 * The distribution's package, downloaded and unpacked without root and without touching what the machine's own
 * apt knows: lists and cache are private. apt checks the signatures as always (apt-secure(8)).
 */
export async function fetchPackage(fetching: Fetching): Promise<string> {
  if (fetching.platform !== 'linux') throw new Error(`${fetching.platform} has no apt`)
  for (const program of ['apt-get', 'apt-cache', 'dpkg-deb']) {
    if ((await programOnPath(program, fetching.env)) === undefined) throw new Error(`no ${program} on PATH`)
  }
  const reasons: string[] = []
  for (const suite of ['own', ...SUITES] as const) {
    try {
      const options = suite === 'own' ? [] : await openSuite(fetching, suite)
      return await unpack(fetching, options)
    } catch (error) {
      fetching.signal?.throwIfAborted()
      reasons.push(`${suite === 'own' ? 'the suites of this machine' : suite}: ${reasonOf(error)}`)
    }
  }
  throw new Error(reasons.join('; '))
}

/** Reads the lists of one suite into a folder of its own, and gives the options that make apt use them and no others. */
async function openSuite(fetching: Fetching, suite: string): Promise<string[]> {
  const folder = join(fetching.folder, suite)
  const [sources, lists, cache] = [join(folder, 'sources'), join(folder, 'lists'), join(folder, 'cache')]
  await mkdir(sources, { recursive: true })
  await mkdir(join(lists, 'partial'), { recursive: true })
  await mkdir(join(cache, 'archives', 'partial'), { recursive: true })
  const fields = {
    Types: 'deb',
    URIs: MIRROR,
    Suites: suite,
    Components: 'main',
    'Signed-By': await debianKeyring(),
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`)
  await writeFile(join(sources, 'gatehouse.sources'), lines.join(''))

  const settings = {
    'Dir::Etc::SourceList': '/dev/null',
    'Dir::Etc::SourceParts': sources,
    'Dir::State::Lists': lists,
    'Dir::Cache': cache,
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '15',
    // Without it apt-get update succeeds with nothing read.
    'APT::Update::Error-Mode': 'any',
    // Whatever this machine allows elsewhere, nothing unsigned comes in here.
    'Acquire::AllowInsecureRepositories': 'false',
    'APT::Get::AllowUnauthenticated': 'false',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  await apt(fetching, [...options, 'update'], UPDATE_MS_MAX)
  return options
}

async function unpack(fetching: Fetching, options: readonly string[]): Promise<string> {
  const { tool, folder, env, signal } = fetching
  const ask = { env, signal, timeoutMs: ASK_MS_MAX }
  const offers = await run('apt-cache', [...options, 'madison', tool.name], ask)
  const best = newest(offers)
  if (best === undefined) throw new Error(`no ${tool.name}`)
  if (compareVersions(best.version, tool.minimum) < 0) throw new Error(`only ${best.version}`)

  fetching.report({ text: `fetching the Debian package ${tool.name} ${best.packageVersion}` })
  await apt(fetching, [...options, 'download', `${tool.name}=${best.packageVersion}`], DOWNLOAD_MS_MAX)
  const file = (await readdir(folder)).find((name) => name.endsWith('.deb'))
  if (file === undefined) throw new Error('apt-get downloaded nothing')
  const content = join(folder, 'content')
  await run('dpkg-deb', ['-x', join(folder, file), content], ask)
  return join(content, tool.packagedAt)
}

/** Of the lines `nats-server | 2.15.1-1 | http://… Packages` of `apt-cache madison`, the newest. */
function newest(offers: string): { version: string; packageVersion: string } | undefined {
  return offers
    .split('\n')
    .map((line) => line.split('|')[1]?.trim() ?? '')
    .map((packageVersion) => ({ packageVersion, version: parseVersion(packageVersion) ?? '' }))
    .filter(({ version }) => version !== '')
    .sort((left, right) => compareVersions(right.version, left.version))[0]
}

async function apt(fetching: Fetching, args: readonly string[], timeoutMs: number): Promise<void> {
  const { env, signal, folder } = fetching
  await run('apt-get', ['-q', ...args], { env, signal, timeoutMs, cwd: folder })
}

async function debianKeyring(): Promise<string> {
  for (const file of KEYRINGS) {
    const readable = await access(file).then(
      () => true,
      () => false,
    )
    if (readable) return file
  }
  throw new Error('no Debian keyring here (package debian-archive-keyring)')
}
