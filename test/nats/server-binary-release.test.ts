import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, copyFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Found, Progress } from '../../src/nats/binary-tool.ts'
import { versionOf } from '../../src/nats/binary-version.ts'
import { findServer, NATS_SERVER } from '../../src/nats/server-binary.ts'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { machineWith, temporaryFolder, type Machine } from '../support/programs.ts'

const exec = promisify(execFile)
const OS = process.platform === 'darwin' ? 'darwin' : 'linux'
const ARCH = process.arch === 'x64' ? 'amd64' : process.arch

/** Answers one request. */
type Answer = (response: ServerResponse) => void

interface Site extends AsyncDisposable {
  readonly url: string
  readonly asked: string[]
}

async function serve(answers: Readonly<Record<string, Answer>>): Promise<Site> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const answer = answers[path]
    if (answer === undefined) response.writeHead(404).end('no such file')
    else answer(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const whole =
  (body: Buffer | string): Answer =>
  (response) =>
    void response.writeHead(200, { 'content-length': Buffer.byteLength(body) }).end(body)

/** Packs a real server as the project packs its releases. */
async function pack(binary: string, version: string): Promise<{ name: string; body: Buffer }> {
  await using folder = await temporaryFolder()
  const name = `nats-server-v${version}-${OS}-${ARCH}`
  await mkdir(join(folder.path, name))
  await copyFile(binary, join(folder.path, name, 'nats-server'))
  await exec('tar', ['-czf', join(folder.path, 'archive'), '-C', folder.path, name])
  return { name: `${name}.tar.gz`, body: await readFile(join(folder.path, 'archive')) }
}

let version: string
let archive: { name: string; body: Buffer }
let sums: string

beforeAll(async () => {
  const binary = await newestServer()
  version = await versionOf(binary, process.env)
  archive = await pack(binary, version)
  sums = sumsOf(archive)
})

function sumsOf({ name, body }: { name: string; body: Buffer | string }): string {
  return `${'0'.repeat(64)}  other.tar.gz\n${createHash('sha256').update(body).digest('hex')}  ${name}\n`
}

function release(parts: { sums?: Answer; archive?: Answer } = {}): Record<string, Answer> {
  return {
    [`/v${version}/SHA256SUMS`]: parts.sums ?? whole(sums),
    [`/v${version}/${archive.name}`]: parts.archive ?? whole(archive.body),
  }
}

interface Extra {
  readonly signal?: AbortSignal
  readonly report?: (progress: Progress) => void
}

function find(machine: Machine, url: string, extra: Extra = {}): Promise<Found> {
  const env = { ...machine.env, GATEHOUSE_NATS_SERVER_DOWNLOADS: url }
  return findServer({ env, cacheDir: machine.cacheDir, version, report: () => undefined, ...extra })
}

async function refusal(machine: Machine, url: string): Promise<string> {
  const error: unknown = await find(machine, url).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'server_missing' })
  expect(await readdir(machine.cacheDir)).toEqual([])
  return /release archive: (.*)/.exec((error as Error).message)?.[1] ?? ''
}

describe('the release archive', () => {
  it('is fetched once, checked, and runs', async () => {
    await using machine = await machineWith('tar', 'gzip')
    await using site = await serve(release())
    const percents: number[] = []
    const report = ({ percent }: Progress): void => {
      if (percent !== undefined) percents.push(percent)
    }

    const found = await find(machine, `${site.url}/`, { report })
    const again = await find(machine, site.url)

    expect(found).toMatchObject({ version, origin: 'release archive' })
    expect(again).toEqual({ ...found, origin: 'cache' })
    expect((await exec(found.path, ['--version'])).stdout).toContain(version)
    expect(site.asked).toEqual([`/v${version}/SHA256SUMS`, `/v${version}/${archive.name}`])
    expect(percents.at(-1)).toBe(100)
    expect(percents).toEqual([...new Set(percents)].sort((left, right) => left - right))
    expect(await readdir(machine.cacheDir)).toHaveLength(1)
  })

  it('is fetched once by two at the same time', async () => {
    await using machine = await machineWith('tar', 'gzip')
    await using site = await serve(release())

    const found = await Promise.all([find(machine, site.url), find(machine, site.url)])

    expect(found[0].path).toBe(found[1].path)
    expect(site.asked).toHaveLength(2)
  })

  it('is refused when it is not what SHA256SUMS says', async () => {
    await using machine = await machineWith('tar', 'gzip')
    const wrong = sumsOf({ name: archive.name, body: 'another archive' })
    await using site = await serve(release({ sums: whole(wrong) }))
    expect(await refusal(machine, site.url)).toContain('is not what SHA256SUMS says')
  })

  it('is refused when SHA256SUMS does not name it, and not even downloaded', async () => {
    await using machine = await machineWith('tar', 'gzip')
    await using site = await serve(release({ sums: whole(sumsOf({ name: `x${archive.name}`, body: '' })) }))
    expect(await refusal(machine, site.url)).toContain('does not name')
    expect(site.asked).toHaveLength(1)
  })

  it('is refused when it breaks off', async () => {
    await using machine = await machineWith('tar', 'gzip')
    const half: Answer = (response) => {
      response.writeHead(200, { 'content-length': archive.body.length })
      response.write(archive.body.subarray(0, archive.body.length / 2), () => response.destroy())
    }
    await using site = await serve(release({ archive: half }))
    expect(await refusal(machine, site.url)).toContain('could not be downloaded')
  })

  it.each(['SHA256SUMS', 'archive'])('is given up when there is no %s', async (part) => {
    await using machine = await machineWith('tar', 'gzip')
    const none: Answer = (response) => void response.writeHead(404).end()
    await using site = await serve(release(part === 'archive' ? { archive: none } : { sums: none }))
    expect(await refusal(machine, site.url)).toContain('answers 404')
  })

  it('is refused when it holds another version than its name says', async () => {
    await using machine = await machineWith('tar', 'gzip')
    const { body } = await pack(await oldestServer(), version)
    const misnamed = { name: archive.name, body }
    await using site = await serve(release({ sums: whole(sumsOf(misnamed)), archive: whole(body) }))
    expect(await refusal(machine, site.url)).toContain(`version ${NATS_SERVER.minimum} came`)
  })

  it('is refused when tar cannot read it', async () => {
    await using machine = await machineWith('tar', 'gzip')
    const junk = { name: archive.name, body: 'not an archive' }
    await using site = await serve(release({ sums: whole(sumsOf(junk)), archive: whole(junk.body) }))
    expect(await refusal(machine, site.url)).toContain('tar could not unpack')
  })

  it('is given up within seconds when nobody answers', async () => {
    await using machine = await machineWith('tar', 'gzip')
    await using site = await serve(release({ sums: () => undefined }))
    expect(await refusal(machine, site.url)).toContain('cannot be reached')
  }, 15_000)

  it('leaves nothing when it is called off half way', async () => {
    await using machine = await machineWith('tar', 'gzip')
    const stop = new AbortController()
    const slow: Answer = (response) => {
      response.writeHead(200, { 'content-length': archive.body.length })
      response.write(archive.body.subarray(0, 100_000), () => stop.abort(new Error('called off')))
    }
    await using site = await serve(release({ archive: slow }))

    await expect(find(machine, site.url, { signal: stop.signal })).rejects.toThrow('called off')
    expect(await readdir(machine.cacheDir)).toEqual([])
  })
})
