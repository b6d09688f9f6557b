import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, tokenAuthenticator } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { notedProcess } from '../../src/nats/process-identity.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryFolder, type Folder } from '../support/programs.ts'
import { gatehouse, listing, processesOf, up, upFile } from '../support/up.ts'
import { PROJECT } from '../support/world.ts'

const ALICE = 'alice@example.com'
const OTHER_KEY = randomBytes(32).toString('base64')

/** One system that was made, used and stopped. Each test leaves it as it was, or works on a copy. */
let folder: Folder
let dataDir: string
let tokens: Readonly<Record<string, string>>
beforeAll(async () => {
  folder = await temporaryFolder()
  dataDir = join(folder.path, 'data')
  await using started = up(dataDir)
  tokens = (await upFile(started, dataDir, 180_000)).tokens
})
afterAll(() => folder[Symbol.asyncDispose]())

describe('gatehouse up refuses to start', () => {
  it('when the port is taken, and names the flag', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    await using refused = up(join(folder.path, 'elsewhere'), { args: ['--listen', `127.0.0.1:${port}`] })
    const { code, out, err } = await refused.finished
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(new RegExp(`^gatehouse: error: 127.0.0.1:${port} is taken .* --listen HOST:PORT\\n$`))
    taken.close()
  })

  it('on a directory that a running one has, which does not notice', async () => {
    await using running = up(dataDir)
    const before = await upFile(running, dataDir)
    await using refused = up(dataDir)
    expect(await refused.finished).toEqual({
      code: 1,
      out: '',
      err: expect.stringContaining(`belongs to a running Gatehouse (pid ${before.pid})`) as string,
    })
    expect(await upFile(running, dataDir)).toEqual(before)
    await admits(before.url)
  })

  it.each<[string, (copy: string) => Promise<Readonly<Record<string, string>>>]>([
    ['another master key in the environment', () => Promise.resolve({ GATEHOUSE_MASTER_KEY: OTHER_KEY })],
    [
      'another master key in its file',
      async (copy) => {
        await writeFile(join(copy, 'master.key'), `${OTHER_KEY}\n`, { mode: 0o600 })
        return {}
      },
    ],
    [
      'no master key',
      async (copy) => {
        await rm(join(copy, 'master.key'))
        return {}
      },
    ],
  ])('with %s, and touches nothing', async (_, spoil) => {
    const copy = join(folder.path, 'spoilt')
    await rm(copy, { recursive: true, force: true })
    await cp(dataDir, copy, { recursive: true })
    const env = await spoil(copy)
    const before = await listing(copy)

    await using refused = up(copy, { env })
    const { code, out, err } = await refused.finished

    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^gatehouse: error: .*master key/)
    expect(err).not.toContain(OTHER_KEY)
    expect(await listing(copy)).toEqual(before)
  })

  it('with documents that have faults: all at once, by place, field and rule; nothing is made', async () => {
    const documents = join(folder.path, 'documents')
    const fresh = join(folder.path, 'fresh')
    await mkdir(join(documents, 'accounts'), { recursive: true })
    await cp(join(PROJECT, 'policies'), join(documents, 'policies'), { recursive: true })
    const account =
      'kind: account\nname: SHOP\nusers:\n  - name: dora\n    policies: [developer]\n    colour: blue\n'
    await writeFile(join(documents, 'accounts', 'shop.yaml'), account)
    const policy = 'kind: policy\nname: loose\nlimits:\n  payload: 5\npublish:\n  allow: [orders..new]\n'
    await writeFile(join(documents, 'policies', 'loose.yaml'), policy)

    await using refused = up(fresh, { args: ['--documents', documents] })
    const { code, out, err } = await refused.finished

    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/shop\.yaml:6:5 users\[0\]\.colour: is not a field/)
    expect(err).toMatch(/loose\.yaml:6:11 publish\.allow\[0\]: \S+/)
    expect(err).toMatch(/loose\.yaml:4:3 limits\.payload: nats-server does not enforce/)
    expect(await processesOf(fresh)).toEqual([])
    await expect(listing(fresh)).rejects.toThrow('ENOENT')
  })

  it.each([
    [['up', '--no-such-flag'], '--no-such-flag'],
    [['up', '--listen', 'nowhere'], '--listen'],
    [['no-such-command'], 'no-such-command'],
    [['up', '--documents', '/nonexistent'], '/nonexistent has none of'],
    [['up', '--data-dir', join(PROJECT, 'package.json')], 'package.json cannot be the data directory'],
  ])('when it is called wrongly: %j', async (args, named) => {
    await using refused = gatehouse(args)
    const { code, out, err } = await refused.finished
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(named)
  })
})

describe('gatehouse up', () => {
  it('that was killed is taken over: the same tokens, and no second nats-server', async () => {
    await using killed = up(dataDir)
    await upFile(killed, dataDir)
    const orphan = await notedProcess(await readFile(join(dataDir, 'nats-server.pid'), 'utf8'))
    expect(orphan).toBeDefined()
    killed.child.kill('SIGKILL')
    await once(killed.child, 'exit')
    const staleFile = await readFile(join(dataDir, 'up.json'), 'utf8')

    await using next = up(dataDir)
    const taken = await eventually(async () => {
      const file = await upFile(next, dataDir)
      return JSON.stringify(file) !== JSON.stringify(JSON.parse(staleFile)) && file
    })
    expect(taken.tokens).toEqual(tokens)
    await admits(taken.url)
    const servers = (await processesOf(dataDir)).filter((line) => line.includes('ports_file_dir'))
    expect(servers).toHaveLength(1)
    expect(await notedProcess(await readFile(join(dataDir, 'nats-server.pid'), 'utf8'))).not.toBe(orphan)
  })

  it('says so when its nats-server dies, and leaves', async () => {
    await using started = up(dataDir)
    await upFile(started, dataDir)
    const server = await notedProcess(await readFile(join(dataDir, 'nats-server.pid'), 'utf8'))
    process.kill(server ?? 0, 'SIGKILL')

    const { code, err } = await started.finished
    expect(code).toBe(1)
    expect(err).toContain('nats-server ended by itself')
    expect(await processesOf(dataDir)).toEqual([])
  })

  it('that is told to end while it starts leaves nothing behind', async () => {
    await using started = up(dataDir)
    await eventually(async () => (await processesOf(join(dataDir, 'ports'))).length > 0)
    started.child.kill('SIGTERM')
    expect(await started.finished).toMatchObject({ code: 0, out: '' })
    expect(await processesOf(dataDir)).toEqual([])
  })
})

async function admits(url: string): Promise<void> {
  const authenticator = tokenAuthenticator(tokens[ALICE] ?? '')
  const alice = await connect({ servers: url, reconnect: false, authenticator })
  await alice.close()
}
