import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { connect, tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { UpFile } from '../../src/cli/up-file.ts'
import { command } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryFolder, type Folder } from '../support/programs.ts'
import {
  ANYWHERE,
  copyProject,
  filesUnder,
  gatehouse,
  processesOf,
  run,
  up,
  upFile,
  type Run,
} from '../support/up.ts'

const [ALICE, BOB] = ['alice@example.com', 'bob@example.com']
/** Packages come from npm's cache; on a slow machine that still takes its time. */
const INSTALL_MS_MAX = 300_000
const SEED = /S[OAUNX][A-Z2-7]{56}/

interface Identity {
  readonly account: { readonly id: string; readonly name: string }
  readonly user: { readonly id: string; readonly name: string }
}

describe('npm start in a fresh clone', () => {
  let folder: Folder
  let clone: string
  let dataDir: string
  let fresh: Run
  let first: UpFile
  let identities: readonly Identity[]
  beforeAll(async () => {
    folder = await temporaryFolder()
    clone = join(folder.path, 'clone')
    dataDir = join(folder.path, 'data')
    await copyProject(clone)
    expect(existsSync(join(clone, 'node_modules'))).toBe(false)
    fresh = npmStart()
    first = await upFile(fresh, dataDir, INSTALL_MS_MAX)
  }, INSTALL_MS_MAX)
  afterAll(async () => {
    await fresh[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const npmStart = (): Run => run(['npm', 'start', '--', '--data-dir', dataDir, ...ANYWHERE], { cwd: clone })

  it('is the whole set-up', async () => {
    expect((await stat(join(dataDir, 'up.json'))).mode & 0o777).toBe(0o600)
    expect(first).toMatchObject({
      url: expect.stringMatching(/^nats:\/\/127\.0\.0\.1:\d+$/) as string,
      http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
      pid: expect.any(Number) as number,
    })
    expect(Object.keys(first.tokens).sort()).toEqual(['admin', ALICE, BOB, 'service-a'])
    await theGateWorks(first)
    identities = await identitiesAt(first)
    expect((await fetch(`${first.http}/readyz`)).status).toBe(200)

    await eventually(() => fresh.out().includes('auth.v1.user.create'))
    await thePrintedLinesWork(fresh.out(), first)
  })

  it('ends as a whole when npm is told to end', async () => {
    fresh.child.kill('SIGTERM')
    await nothingIsLeft(dataDir)
    expect((await fresh.finished).code).toBe(0)
  })

  it('finds keys, accounts, users and tokens again; Ctrl-C ends all of it', async () => {
    const trust = await readFile(join(dataDir, 'trust.json'), 'utf8')
    await using started = npmStart()
    const second = await upFile(started, dataDir)

    expect(second.tokens).toEqual(first.tokens)
    expect(second.pid).not.toBe(first.pid)
    expect(await identitiesAt(second)).toEqual(identities)
    expect(await readFile(join(dataDir, 'trust.json'), 'utf8')).toBe(trust)

    // As a terminal does: to every process of the foreground group.
    process.kill(-started.pid, 'SIGINT')
    expect((await started.finished).code).toBe(0)
    await nothingIsLeft(dataDir)
  })

  it('does not undo what admins did since; a changed document is applied', async () => {
    const orders = join(clone, 'accounts', 'orders.yaml')
    const written = await readFile(orders, 'utf8')
    {
      await using started = npmStart()
      const { url, tokens } = await upFile(started, dataDir)
      const admin = await connectWith(tokens['admin'], url)
      await command(admin, 'user.delete', { account: 'ORDERS', user: BOB })
      await command(admin, 'user.remove-policy', { account: 'ORDERS', user: ALICE, policy: 'developer' })
      await admin.close()
      process.kill(-started.pid, 'SIGINT')
      await started.finished
    }
    {
      await using started = npmStart()
      const { url, tokens } = await upFile(started, dataDir)
      expect(Object.keys(tokens).sort()).toEqual(['admin', ALICE, 'service-a'])
      const admin = await connectWith(tokens['admin'], url)
      const { user } = await command(admin, 'user.get', { account: 'ORDERS', user: ALICE })
      expect(user).toMatchObject({ policies: [] })
      await expect(command(admin, 'user.get', { account: 'ORDERS', user: BOB })).rejects.toThrow('not_found')
      await admin.close()
      process.kill(-started.pid, 'SIGINT')
      await started.finished
    }
    await writeFile(orders, `${written}# Somebody looked at it.\n`)
    await using started = npmStart()
    const { tokens } = await upFile(started, dataDir)
    expect(Object.keys(tokens).sort()).toEqual(['admin', ALICE, BOB, 'service-a'])
    process.kill(-started.pid, 'SIGINT')
    await started.finished
  })

  it('keeps its secrets to itself', async () => {
    await using started = npmStart()
    const { url, tokens } = await upFile(started, dataDir)
    await (await connectWith(tokens[ALICE], url)).close()
    const masterKey = (await readFile(join(dataDir, 'master.key'), 'utf8')).trim()
    const isSecret = (text: string): boolean =>
      [...Object.values(tokens), masterKey].some((secret) => text.includes(secret)) || SEED.test(text)

    const lines = await processesOf(dataDir)
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.filter(isSecret)).toEqual([])
    const files = await filesUnder(dataDir)
    const keepers = [...files].filter(([, text]) => isSecret(text)).map(([name]) => name)
    expect(keepers.sort()).toEqual(['master.key', 'up.json'])
    expect([...files.keys()]).toEqual(expect.arrayContaining(['gatehouse.log', 'nats-server.log']))
    if (existsSync('/proc/self/environ')) {
      const [pid] = (files.get('nats-server.pid') ?? '').split(' ')
      const environment = await readFile(`/proc/${pid ?? ''}/environ`, 'utf8')
      expect(environment).toContain('NATS_OPERATOR_JWT=')
      expect(isSecret(environment)).toBe(false)
    }
    await eventually(() => started.out().includes('auth.v1.user.create'))
    process.kill(-started.pid, 'SIGINT')
    const { out, err } = await started.finished
    expect(out).toContain('Gatehouse')
    expect(isSecret(out + err)).toBe(false)
  })

  it('--json says one line, without tokens; token prints one', async () => {
    await using started = up(dataDir, { cwd: clone, args: ['--json'] })
    const { tokens, ...facts } = await upFile(started, dataDir)
    await eventually(() => started.out().endsWith('\n'))
    const said = started.out()
    expect(said.split('\n')).toHaveLength(2)
    expect(JSON.parse(said)).toEqual({ ...facts, file: join(dataDir, 'up.json') })
    for (const token of Object.values(tokens)) expect(said + started.err()).not.toContain(token)

    await using alice = gatehouse(['token', ALICE, '--data-dir', dataDir], { cwd: clone })
    expect(await alice.finished).toEqual({ code: 0, out: `${tokens[ALICE] ?? ''}\n`, err: '' })
    await using nobody = gatehouse(['token', 'nobody', '--data-dir', dataDir], { cwd: clone })
    expect(await nobody.finished).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining(ALICE) as string,
    })
  })

  it('--quiet says nothing', async () => {
    await using started = up(dataDir, { cwd: clone, args: ['--quiet'] })
    const { url, tokens } = await upFile(started, dataDir)
    await (await connectWith(tokens[ALICE], url)).close()
    started.child.kill('SIGTERM')
    expect(await started.finished).toEqual({ code: 0, out: '', err: '' })
  })

  it('token says so when nothing runs', async () => {
    await using nothing = gatehouse(['token', ALICE, '--data-dir', dataDir], { cwd: clone })
    const { code, err } = await nothing.finished
    expect([code, err]).toEqual([1, expect.stringContaining('npm start')])
  })
})

async function theGateWorks({ url, tokens }: UpFile): Promise<void> {
  const alice = await connectWith(tokens[ALICE], url)
  const bob = await connectWith(tokens[BOB], url)
  const seen: string[] = []
  bob.subscribe('orders.>', { callback: (_, { subject }) => void seen.push(subject) })
  await bob.flush()
  alice.publish('orders.new')
  alice.publish('orders.delete')
  bob.publish('orders.forged')
  await bob.flush()
  alice.publish('orders.last')
  await eventually(() => seen.includes('orders.last'))
  expect(seen).toEqual(['orders.new', 'orders.last'])
  await expect(connectWith('guess', url)).rejects.toThrow('Authorization Violation')
  await Promise.all([alice.close(), bob.close()])
}

/** What it prints to type next: two lines of alice, one of an admin. The CLI's job is done by hand. */
async function thePrintedLinesWork(out: string, { url, tokens }: UpFile): Promise<void> {
  const lines = out.split('\n').filter((line) => line.includes('NATS_TOKEN='))
  const typed = lines.map(
    (line) => /token (\S+) .*nats --server (\S+) (pub|req) (\S+) (.*)$/.exec(line) ?? [],
  )
  expect(typed.map(([, user, server, verb, subject]) => [user, server, verb, subject])).toEqual([
    [ALICE, url, 'pub', 'orders.new'],
    [ALICE, url, 'pub', 'orders.delete'],
    ['admin', url, 'req', 'auth.v1.user.create'],
  ])
  for (const line of lines) expect(line).toContain(`--data-dir`)
  const request = JSON.parse((typed[2]?.[5] ?? '').replaceAll("'", '')) as Record<string, unknown>
  const admin = await connectWith(tokens['admin'], url)
  expect(await command(admin, 'user.create', request)).toHaveProperty('user')
  await admin.close()
}

async function identitiesAt({ url, tokens }: UpFile): Promise<readonly Identity[]> {
  return Promise.all(
    [ALICE, 'service-a', 'admin'].map(async (name) => {
      const nc = await connectWith(tokens[name], url)
      const { account, user } = (await command(nc, 'whoami', {})) as unknown as Identity
      await nc.close()
      return { account, user }
    }),
  )
}

async function nothingIsLeft(dataDir: string): Promise<void> {
  await eventually(async () => (await processesOf(dataDir)).length === 0)
  expect([...(await filesUnder(dataDir)).keys()].map((name) => basename(name))).not.toContain('up.json')
}

function connectWith(token: string | undefined, url: string): Promise<NatsConnection> {
  return connect({ servers: url, reconnect: false, authenticator: tokenAuthenticator(token ?? '') })
}
