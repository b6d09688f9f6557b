import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { Found, Search } from '../../src/nats/binary-tool.ts'
import { findServer, NATS_SERVER } from '../../src/nats/server-binary.ts'
import { GO, machineWith, nowhere, type Machine } from '../support/programs.ts'

// apt, dpkg and go are outside programs: here stand-ins show what they are asked and answer as the real ones do.

const NOWHERE = await nowhere()
const KEYRING = ['gpg', 'pgp'].some((end) => existsSync(`/usr/share/keyrings/debian-archive-keyring.${end}`))

function find(machine: Machine, said: string[] = [], extra: Partial<Search> = {}): Promise<Found> {
  const env = { ...machine.env, ...extra.env, GATEHOUSE_NATS_SERVER_DOWNLOADS: NOWHERE }
  const { cacheDir } = machine
  return findServer({ cacheDir, platform: 'linux', report: ({ text }) => said.push(text), ...extra, env })
}

/** apt on a machine whose own lists have `own`, if anything, and where the suite `suite` has `version`. */
async function installApt(
  machine: Machine,
  has: { own?: string; suite?: string; version: string },
): Promise<void> {
  const line = (version: string): string =>
    `echo "nats-server | ${version} | http://deb.debian.org/debian Packages"`
  await machine.install(
    'apt-get',
    `echo "apt-get $*" >> "$LOG"
case "$*" in
  *download*) echo package > nats-server_1_amd64.deb ;;
  */nowhere/*) echo "E: The repository does not have a Release file." >&2; exit 100 ;;
esac`,
  )
  await machine.install(
    'apt-cache',
    `echo "apt-cache $*" >> "$LOG"
case "$*" in
  */${has.suite ?? 'nowhere'}/*) ${line(has.version)} ;;
  *Dir::*) ;;
  *) ${has.own === undefined ? ':' : line(has.own)} ;;
esac`,
  )
  await machine.install(
    'dpkg-deb',
    `echo "dpkg-deb $*" >> "$LOG"
/bin/mkdir -p "$3/usr/sbin"
printf '#!/bin/sh\\necho nats-server: v${has.version.split('-')[0]!}\\n' > "$3/usr/sbin/nats-server"
/bin/chmod +x "$3/usr/sbin/nats-server"`,
  )
}

describe('the Debian package', () => {
  it("comes from the machine's own suites if they have one that is new enough", async () => {
    await using machine = await machineWith()
    await installApt(machine, { own: '2.14.1-1', version: '2.14.1-1' })

    const found = await find(machine)

    expect(found).toMatchObject({ version: '2.14.1', origin: 'Debian package' })
    expect(found.path).toContain('nats-server-2.14.1+debian-linux-')
    expect((await machine.calls()).slice(0, 2)).toEqual([
      'apt-cache madison nats-server',
      'apt-get -q download nats-server=2.14.1-1',
    ])
    expect(await find(machine)).toEqual({ ...found, origin: 'cache' })
    expect(await readdir(machine.cacheDir)).toHaveLength(1)
  })

  it('comes from a newer suite, by lists of its own, with signatures checked', async () => {
    await using machine = await machineWith()
    await installApt(machine, { own: '2.10.27-1', suite: 'forky', version: '2.15.1-1' })

    const finding = find(machine)

    if (!KEYRING) {
      // Not a Debian: what is unsigned, or signed by nobody we know, is not an offer.
      await expect(finding).rejects.toThrow('forky: no Debian keyring here')
      return
    }
    expect(await finding).toMatchObject({ version: '2.15.1', origin: 'Debian package' })
    const update = (await machine.calls()).find((call) => /forky.* update$/.test(call)) ?? ''
    for (const folder of ['Dir::Etc::SourceParts', 'Dir::State::Lists', 'Dir::Cache']) {
      expect(update).toContain(`-o ${folder}=${machine.cacheDir}/`)
    }
    expect(update).toContain('-o Dir::Etc::SourceList=/dev/null')
    expect(update).toContain('-o APT::Get::AllowUnauthenticated=false')
    expect(update).toContain('-o Acquire::AllowInsecureRepositories=false')
  })

  it('is not asked for when one precise version is wanted', async () => {
    await using machine = await machineWith()
    await installApt(machine, { own: '2.15.1-1', version: '2.15.1-1' })
    await expect(find(machine, [], { version: '2.15.1' })).rejects.toThrow('no go on PATH')
    expect(await machine.calls()).toEqual([])
  })

  it('is given up, suite by suite and with the reasons, when all are too old', async () => {
    await using machine = await machineWith()
    await installApt(machine, { own: '2.10.27-1', version: '2.10.27-1' })
    const finding = find(machine)
    await expect(finding).rejects.toThrow(
      /Debian package: the suites of this machine: only 2\.10\.27; trixie-backports: .*; sid: /,
    )
  })
})

describe('go install', () => {
  it('builds the version wanted, for this machine', async () => {
    await using machine = await machineWith()
    await machine.install('go', GO)

    const found = await find(machine, [], { version: '2.12.7', env: { GOOS: 'plan9' } })

    expect(found).toMatchObject({ version: '2.12.7', origin: 'go install' })
    expect(await machine.calls()).toEqual([
      'install -trimpath github.com/nats-io/nats-server/v2@v2.12.7 cgo=0 os=',
    ])
  })

  it('comes last, after each of the others has said why not', async () => {
    await using machine = await machineWith()
    await machine.install('go', GO)
    const said: string[] = []

    expect(await find(machine, said)).toMatchObject({ version: NATS_SERVER.pinned, origin: 'go install' })

    const refused = said.filter((line) => line.includes(': no '))
    expect(refused).toEqual([
      expect.stringMatching(/^nats-server: no release archive: .*ECONNREFUSED/),
      'nats-server: no Debian package: no apt-get on PATH',
    ])
  })

  it('gives its own last words when it fails', async () => {
    await using machine = await machineWith()
    await machine.install('go', 'echo "go: downloading" >&2; echo "dial tcp: no route to host" >&2; exit 1')
    await expect(find(machine)).rejects.toThrow('go install: dial tcp: no route to host')
    expect(await readdir(machine.cacheDir)).toEqual([])
  })
})
