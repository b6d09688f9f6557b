import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect, tokenAuthenticator } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { UpFile } from '../../src/cli/up-file.ts'
import { VERSION } from '../../src/version.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryFolder, type Folder } from '../support/programs.ts'
import { gatehouse, up, upFile } from '../support/up.ts'
import { openWorld } from '../support/world.ts'

let folder: Folder
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder[Symbol.asyncDispose]())

async function aliceConnects({ url, tokens }: UpFile): Promise<void> {
  const authenticator = tokenAuthenticator(tokens['alice@example.com'] ?? '')
  await (await connect({ servers: url, reconnect: false, authenticator })).close()
}

async function metric({ http }: UpFile, name: string): Promise<number> {
  const text = await (await fetch(`${http}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1])
}

/** Whoever changed src is told that it is built first. */
function faultsIn(err: string): string[] {
  return err.split('\n').filter((line) => line !== '' && line !== 'gatehouse: building dist')
}

/** Stops a process where it is, and waits until it stands still: what it was about to say it has said. */
async function stopped(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  const state = async (): Promise<string> =>
    (await promisify(execFile)('ps', ['-o', 'state=', '-p', String(pid)])).stdout
  await eventually(async () => (await state()).startsWith('T'))
}

describe('gatehouse up goes on', () => {
  it('when nobody listens any more to what it says, and ends as ever', async () => {
    const dataDir = join(folder.path, 'head')
    await using started = up(dataDir)
    const file = await upFile(started, dataDir)
    started.child.stdout?.destroy()
    for (let n = 0; n < 3; n += 1) await aliceConnects(file)
    expect((await fetch(`${file.http}/healthz`)).status).toBe(200)

    started.child.kill('SIGTERM')
    const { code, err } = await started.finished
    expect([code, faultsIn(err)]).toEqual([0, []])
    expect(existsSync(join(dataDir, 'up.json'))).toBe(false)
  })

  if (existsSync('/dev/full')) {
    it('when the disk of its logs is full: it says so once, and counts', async () => {
      const dataDir = join(folder.path, 'full')
      await mkdir(dataDir)
      await writeFile(join(dataDir, 'gatehouse.pid'), '')
      for (const log of ['gatehouse.log', 'nats-server.log']) await symlink('/dev/full', join(dataDir, log))
      await using started = up(dataDir)
      const file = await upFile(started, dataDir)
      for (let n = 0; n < 3; n += 1) await aliceConnects(file)
      expect(await metric(file, 'gatehouse_telemetry_failures_total')).toBeGreaterThanOrEqual(3)

      started.child.kill('SIGTERM')
      const { code, err } = await started.finished
      expect(code).toBe(0)
      expect(faultsIn(err).sort()).toEqual([
        expect.stringMatching(/^gatehouse: gatehouse\.log cannot be written.*ENOSPC/),
        expect.stringMatching(/^gatehouse: nats-server\.log cannot be written.*ENOSPC/),
      ])
    })
  }
})

describe('leaving', () => {
  it('does not wait for ever for a nats-server that hangs', async () => {
    await using world = await openWorld()
    const { nc } = world.gatehouse.connection
    await stopped(world.server.pid)
    try {
      let left = false
      void world.gatehouse[Symbol.asyncDispose]().then(() => (left = true))
      await eventually(() => left)
      expect(nc.isClosed()).toBe(true)
    } finally {
      process.kill(world.server.pid, 'SIGCONT')
    }
  })
})

describe('gatehouse', () => {
  it('tells its version', async () => {
    await using told = gatehouse(['--version'])
    expect(await told.finished).toMatchObject({ code: 0, out: `${VERSION}\n` })
  })
})
