import { join } from 'node:path'
import { programOnPath, run } from './binary-run.ts'
import type { Fetching } from './binary-tool.ts'

const BUILD_MS_MAX = 600_000

/** Built from source by the Go on this machine. Go checks the module against its checksum database. */
export async function fetchByGo(fetching: Fetching): Promise<string> {
  const { tool, version, folder, env, signal, report } = fetching
  if ((await programOnPath('go', env)) === undefined) throw new Error('no go on PATH')
  report({ text: `building ${tool.name} ${version} with go install (up to a minute)` })
  // Go refuses GOBIN when it builds for another system; releases are built without cgo, and so need no C compiler.
  const settings = { ...env, GOOS: undefined, GOARCH: undefined, GOBIN: folder, CGO_ENABLED: '0' }
  const args = ['install', '-trimpath', `${tool.goModule}@v${version}`]
  await run('go', args, { env: settings, signal, timeoutMs: BUILD_MS_MAX, cwd: folder })
  return join(folder, fetching.platform === 'win32' ? `${tool.name}.exe` : tool.name)
}
