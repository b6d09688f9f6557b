import { readdir, writeFile, mkdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cacheFolder, entryPath } from '../../src/nats/binary-cache.ts'
import type { Found, Search } from '../../src/nats/binary-tool.ts'
import { compareVersions, parseVersion } from '../../src/nats/binary-version.ts'
import { findServer, NATS_SERVER } from '../../src/nats/server-binary.ts'
import { GO, machineWith, nowhere, tells, writeProgram, type Machine } from '../support/programs.ts'

const NOWHERE = { GATEHOUSE_NATS_SERVER_DOWNLOADS: await nowhere() }

function find(machine: Machine, search: Partial<Search> = {}, said: string[] = []): Promise<Found> {
  const { cacheDir } = machine
  const env = { ...machine.env, ...NOWHERE, ...search.env }
  return findServer({ cacheDir, report: ({ text }) => said.push(text), ...search, env })
}

async function cache(machine: Machine, version: string, script = tells(version)): Promise<string> {
  const [packaged, plain] = [version.endsWith('+debian'), version.replace('+debian', '')]
  const name = { tool: 'nats-server', platform: process.platform, arch: process.arch }
  await mkdir(machine.cacheDir, { recursive: true })
  return writeProgram(entryPath(machine.cacheDir, name, { version: plain, packaged }), script)
}

describe('a nats-server named in GATEHOUSE_NATS_SERVER', () => {
  it('is used before all others', async () => {
    await using machine = await machineWith()
    await machine.install('nats-server', tells('2.15.2'))
    const named = await machine.install('mine', tells('2.12.7'))

    const found = await find(machine, { env: { GATEHOUSE_NATS_SERVER: named } })

    expect(found).toEqual({ path: named, version: '2.12.7', origin: 'variable' })
  })

  it.each([
    ['is too old', tells('2.12.6'), /2\.12\.6, and 2\.12\.7 or newer/],
    ['is a preview of the oldest', tells('2.12.7-RC.1'), /2\.12\.7-RC\.1/],
    ['tells no version', 'echo hello', /does not tell its version/],
    ['fails', 'echo broken >&2; exit 3', /does not run: broken/],
  ])('is an error, and no other is taken, when it %s', async (_, script, words) => {
    await using machine = await machineWith()
    await machine.install('nats-server', tells('2.15.2'))
    const named = await machine.install('mine', script)

    const finding = find(machine, { env: { GATEHOUSE_NATS_SERVER: named } })

    await expect(finding).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringMatching(words) as string,
      faults: [{ where: 'GATEHOUSE_NATS_SERVER' }],
    })
  })

  it('is an error when it is not there', async () => {
    await using machine = await machineWith()
    const finding = find(machine, { env: { GATEHOUSE_NATS_SERVER: join(machine.programs, 'none') } })
    await expect(finding).rejects.toMatchObject({ code: 'invalid_configuration' })
  })

  it('does not answer a request for one precise version', async () => {
    await using machine = await machineWith()
    const named = await machine.install('mine', tells('2.15.2'))
    const kept = await cache(machine, '2.12.7')

    const found = await find(machine, { version: '2.12.7', env: { GATEHOUSE_NATS_SERVER: named } })

    expect(found).toEqual({ path: kept, version: '2.12.7', origin: 'cache' })
  })
})

describe('a nats-server on PATH', () => {
  it('is used when it is new enough', async () => {
    await using machine = await machineWith()
    const path = await machine.install('nats-server', tells('2.13.0'))
    expect(await find(machine)).toEqual({ path, version: '2.13.0', origin: 'path' })
  })

  it.each([
    ['too old', tells('2.10.27'), /2\.10\.27, older than 2\.12\.7/],
    ['broken', 'exit 1', /does not run/],
  ])('is passed over, aloud, when it is %s', async (_, script, words) => {
    await using machine = await machineWith()
    await machine.install('nats-server', script)
    const path = await cache(machine, NATS_SERVER.pinned)
    const said: string[] = []

    expect(await find(machine, {}, said)).toMatchObject({ path, origin: 'cache' })
    expect(said).toEqual([expect.stringMatching(words)])
  })
})

describe('the cache', () => {
  it("serves the pinned version, and Debian's, but not one that was fetched for another purpose", async () => {
    await using machine = await machineWith()
    await machine.install('go', GO)
    await cache(machine, '2.12.7')

    expect(await find(machine)).toMatchObject({ version: NATS_SERVER.pinned, origin: 'go install' })
    expect(await find(machine)).toMatchObject({ version: NATS_SERVER.pinned, origin: 'cache' })
    await cache(machine, '2.16.0+debian')
    expect(await find(machine)).toMatchObject({ version: '2.16.0', origin: 'cache' })
    expect(await find(machine, { version: NATS_SERVER.pinned })).toMatchObject({
      version: NATS_SERVER.pinned,
    })
  })

  it('serves what is not too old when nothing else can be had', async () => {
    await using machine = await machineWith()
    await cache(machine, '2.10.0')
    await cache(machine, '2.12.8')
    expect(await find(machine)).toMatchObject({ version: '2.12.8', origin: 'cache' })
  })

  it.each([
    ['does not run', 'exit 1'],
    ['is another version than its name says', tells('2.9.0')],
  ])('replaces a file that %s', async (_, script) => {
    await using machine = await machineWith()
    await machine.install('go', GO)
    const path = await cache(machine, NATS_SERVER.pinned, script)

    expect(await find(machine)).toEqual({ path, version: NATS_SERVER.pinned, origin: 'go install' })
    expect(await find(machine)).toMatchObject({ path, origin: 'cache' })
  })

  it('is not for other platforms', async () => {
    await using machine = await machineWith()
    await cache(machine, NATS_SERVER.pinned)
    const finding = find(machine, { arch: 's390x' })
    await expect(finding).rejects.toMatchObject({ code: 'server_missing' })
  })

  it('lets one of many fetch while the others wait', async () => {
    await using machine = await machineWith()
    await machine.install('go', GO)

    const found = await Promise.all(Array.from({ length: 4 }, () => find(machine)))

    expect(new Set(found.map(({ path }) => path)).size).toBe(1)
    expect(found.map(({ origin }) => origin).sort()).toEqual(['cache', 'cache', 'cache', 'go install'])
    expect(await machine.calls()).toHaveLength(1)
  })

  it('is not held up by a process that died while it fetched, and removes what that left', async () => {
    await using machine = await machineWith()
    await machine.install('go', GO)
    await mkdir(join(machine.cacheDir, '.fetching-dead'), { recursive: true })
    await utimes(join(machine.cacheDir, '.fetching-dead'), 0, 0)
    await writeFile(
      join(machine.cacheDir, `.nats-server-${NATS_SERVER.pinned}.lock`),
      `${process.pid} not-me`,
    )

    expect(await find(machine)).toMatchObject({ origin: 'go install' })
    expect(await readdir(machine.cacheDir)).toHaveLength(1)
  })

  it.each([
    [{ GATEHOUSE_CACHE: '/a', XDG_CACHE_HOME: '/b', HOME: '/c' }, '/a'],
    [{ GATEHOUSE_CACHE: '', XDG_CACHE_HOME: '/b', HOME: '/c' }, '/b/gatehouse'],
    [{ HOME: '/c' }, '/c/.cache/gatehouse'],
  ])('is where %o says', (env, folder) => {
    expect(cacheFolder(env)).toBe(folder)
  })
})

describe('when there is none and none can be fetched', () => {
  it('says why each way failed and what to do', async () => {
    await using machine = await machineWith()
    const said: string[] = []

    const error: unknown = await find(machine, { platform: 'linux' }, said).catch((reason: unknown) => reason)

    expect(error).toMatchObject({ code: 'server_missing' })
    const { message } = error as Error
    expect(message).toMatch(/release archive: 127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/)
    expect(message).toContain('Debian package: no apt-get on PATH')
    expect(message).toContain('go install: no go on PATH')
    expect(message).toContain('GATEHOUSE_NATS_SERVER')
    expect(said.filter((line) => line.includes(': no '))).toHaveLength(3)
    expect(await readdir(machine.cacheDir)).toEqual([])
  })
})

describe('versions', () => {
  it.each([
    ['nats-server: v2.15.2', '2.15.2'],
    ['2.15.1-1', '2.15.1'],
    ['1:2.15.1-1+b2', '2.15.1'],
    ['nats-server: v2.16.0-RC.3', '2.16.0-RC.3'],
    ['2.16.0~rc1-1', '2.16.0-rc1-1'],
    ['hello', undefined],
  ])('are read from %j', (text, version) => {
    expect(parseVersion(text)).toBe(version)
  })

  const version = fc
    .tuple(fc.nat(30), fc.nat(30), fc.nat(30), fc.constantFrom('', '-RC.1', '-RC.2', '-RC.10'))
    .map(([major, minor, patch, early]) => `${major}.${minor}.${patch}${early}`)

  it('are in one order, whichever side they are on', () => {
    fc.assert(
      fc.property(version, version, (one, other) => {
        expect(Math.sign(compareVersions(one, other))).toBe(-Math.sign(compareVersions(other, one)) + 0)
        expect(compareVersions(one, other) === 0).toBe(one === other)
      }),
    )
  })

  it('grow from preview to release to patch', () => {
    const grown = ['2.9.10', '2.12.7-RC.2', '2.12.7-RC.10', '2.12.7', '2.12.10', '2.15.2', '10.0.0']
    expect([...grown].reverse().sort(compareVersions)).toEqual(grown)
  })
})
