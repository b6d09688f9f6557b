import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { reasonOf, run } from './binary-run.ts'
import type { Fetching } from './binary-tool.ts'

const ANSWER_MS_MAX = 6_000
const STALL_MS_MAX = 15_000
const DOWNLOAD_MS_MAX = 600_000
const EXTRACT_MS_MAX = 60_000
const ARCHIVE_BYTES_MAX = 256 * 1024 * 1024
const PERCENT_STEP = 10

const GO_OS: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'linux',
  darwin: 'darwin',
  freebsd: 'freebsd',
  win32: 'windows',
}
const GO_ARCH: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'arm6',
  ia32: '386',
  loong64: 'loong64',
  ppc64: 'ppc64le',
  riscv64: 'riscv64',
  s390x: 's390x',
}

/**
 * The archive that the project itself released for this platform, taken only if it has the SHA-256 that the
 * SHA256SUMS of the same release names.
 */
export async function fetchRelease(fetching: Fetching): Promise<string> {
  const { tool, version, folder, platform, arch } = fetching
  const os = GO_OS[platform]
  const goArch = GO_ARCH[arch]
  if (os === undefined || goArch === undefined) throw new Error(`no archive is made for ${platform} ${arch}`)
  const base = (fetching.env[tool.downloadsVariable] ?? tool.downloads).replace(/\/+$/, '')
  const { file, member } = tool.archive({ version, os, arch: goArch })

  const expected = await checksum(fetching, { url: `${base}/v${version}/SHA256SUMS`, file })
  const archive = join(folder, file)
  const actual = await download(fetching, { url: `${base}/v${version}/${file}`, archive })
  if (actual !== expected) throw new Error(`${file} is not what SHA256SUMS says: SHA-256 ${actual}`)

  const { env, signal } = fetching
  // As root, tar would otherwise give the program to whoever packed it.
  const args = ['-xf', archive, '-C', folder, '--no-same-owner', member]
  await run('tar', args, { env, signal, timeoutMs: EXTRACT_MS_MAX }).catch((error: unknown) => {
    throw new Error(`tar could not unpack ${file}: ${reasonOf(error)}`, { cause: error })
  })
  return join(folder, member)
}

async function checksum(fetching: Fetching, from: { url: string; file: string }): Promise<string> {
  const deadline = AbortSignal.timeout(ANSWER_MS_MAX)
  const response = await get(from.url, either(deadline, fetching.signal))
  const text = await response.text().catch((error: unknown) => {
    throw new Error(`${from.url}: ${reasonOf(error)}`, { cause: error })
  })
  const line = text.split('\n').find((each) => each.trim().endsWith(` ${from.file}`))
  const sum = /^[0-9a-f]{64}(?= )/i.exec(line?.trim() ?? '')?.[0]
  if (sum === undefined) throw new Error(`SHA256SUMS does not name ${from.file}`)
  return sum.toLowerCase()
}

/** Gives the SHA-256 of what was written, in hexadecimal. */
async function download(fetching: Fetching, from: { url: string; archive: string }): Promise<string> {
  const stall = new AbortController()
  const timer = setTimeout(() => stall.abort(new Error('no data arrives')), STALL_MS_MAX)
  const signal = AbortSignal.any([
    either(stall.signal, fetching.signal),
    AbortSignal.timeout(DOWNLOAD_MS_MAX),
  ])
  const hash = createHash('sha256')
  try {
    const response = await get(from.url, signal)
    const percent = percentReporter(fetching, Number(response.headers.get('content-length') ?? 0))
    let received = 0
    async function* metered(): AsyncGenerator<Uint8Array> {
      const body: AsyncIterable<Uint8Array> = response.body ?? Readable.from([])
      for await (const chunk of body) {
        timer.refresh()
        received += chunk.byteLength
        if (received > ARCHIVE_BYTES_MAX) throw new Error('the archive is larger than any there has been')
        hash.update(chunk)
        percent(received)
        yield chunk
      }
    }
    await pipeline(metered, createWriteStream(from.archive))
  } catch (error) {
    throw new Error(`${from.url} could not be downloaded: ${reasonOf(error)}`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
  return hash.digest('hex')
}

async function get(url: string, signal: AbortSignal): Promise<Response> {
  let response
  try {
    // "identity": an archive is compressed already, and a length that counts something else is no use.
    response = await fetch(url, { signal, headers: { 'accept-encoding': 'identity' } })
  } catch (error) {
    throw new Error(`${hostOf(url)} cannot be reached: ${reasonOf(error)}`, { cause: error })
  }
  if (response.ok) return response
  await response.body?.cancel()
  throw new Error(`${url} answers ${response.status}`)
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
}

function either(one: AbortSignal, other: AbortSignal | undefined): AbortSignal {
  return other === undefined ? one : AbortSignal.any([one, other])
}

function percentReporter({ tool, version, report }: Fetching, total: number): (received: number) => void {
  let told = 0
  return (received) => {
    if (total === 0) return
    const percent = Math.floor((100 * received) / total)
    if (percent < told + PERCENT_STEP && received < total) return // The last one is always told.
    told = percent
    report({ text: `fetching ${tool.name} ${version}: ${percent} %`, percent })
  }
}
