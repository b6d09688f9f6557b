import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { UpFile } from '../../src/cli/up-file.ts'
import { decode } from '../../src/jwt/token.ts'
import { command, createUser } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryFolder, type Folder } from '../support/programs.ts'
import { filesUnder, up, upFile, type Run } from '../support/up.ts'

/** The whole life of an operator's signing key, on one data directory that is started again and again. */

const ALICE = 'alice@example.com'

let folder: Folder
let dataDir: string
beforeAll(async () => {
  folder = await temporaryFolder()
  dataDir = join(folder.path, 'data')
})
afterAll(() => folder[Symbol.asyncDispose]())

interface Started extends AsyncDisposable {
  readonly run: Run
  readonly up: UpFile
  readonly admin: NatsConnection
}

async function start(): Promise<Started> {
  const run = up(dataDir, { args: ['--quiet'] })
  try {
    const file = await upFile(run, dataDir)
    const admin = await enter(file, file.tokens['admin'])
    return {
      run,
      up: file,
      admin,
      async [Symbol.asyncDispose]() {
        await admin.close()
        run.child.kill('SIGTERM')
        expect(await run.finished).toMatchObject({ code: 0, out: '' })
      },
    }
  } catch (error) {
    await run[Symbol.asyncDispose]()
    throw error
  }
}

function enter({ url }: UpFile, token: string | undefined): Promise<NatsConnection> {
  return connect({ servers: url, reconnect: false, authenticator: tokenAuthenticator(token ?? '') })
}

/** Who signed what the resolver holds: the keys, each once. */
async function signersOfAccounts(): Promise<readonly string[]> {
  const files = [...(await filesUnder(join(dataDir, 'resolver')))].filter(([name]) => name.endsWith('.jwt'))
  expect(files.length).toBeGreaterThanOrEqual(5) // SYS, AUTH, ADMIN, and those of the samples.
  // The server writes them in place: one may be cut short just now.
  return [...new Set(files.map(([, jwt]) => (jwt === '' ? '' : decode(jwt).claims.iss)))]
}

async function listed(): Promise<readonly string[]> {
  const decoded = decode((await filesUnder(dataDir)).get('operator.jwt')?.trim() ?? '')
  return decoded.type === 'operator' ? (decoded.claims.nats.signing_keys ?? []) : []
}

/** Status of each signing key, oldest first. */
async function statuses(admin: NatsConnection): Promise<readonly string[]> {
  const { operator } = await command(admin, 'operator.get', {})
  const { signingKeys } = operator as { signingKeys: readonly { status: string }[] }
  return signingKeys.map(({ status }) => status)
}

async function allWorks({ up, admin }: Started, tokens: readonly (string | undefined)[]): Promise<void> {
  for (const token of [up.tokens[ALICE], up.tokens['service-a'], ...tokens]) {
    const nc = await enter(up, token)
    expect(await command(nc, 'whoami', {})).toHaveProperty('user')
    await nc.close()
  }
  await expect(enter(up, 'guess')).rejects.toThrow('Authorization Violation')
  // New accounts too: signed, pushed, and loaded by the server.
  const name = `N${Date.now()}`
  await command(admin, 'account.create', { name })
  const nc = await enter(up, await createUser(admin, name, { name: 'somebody' }))
  expect(await command(nc, 'whoami', {})).toMatchObject({ account: { name } })
  await nc.close()
}

const key = (reply: Readonly<Record<string, unknown>>): string => String(reply['key'])
let trustBefore = ''
let [first, second, third, token, issued] = ['', '', '', '', '']

it('a new key is told at once and signs nothing yet', async () => {
  await using started = await start()
  const { admin } = started
  ;[first = ''] = await signersOfAccounts()
  issued = started.up.tokens[ALICE] ?? ''
  await command(admin, 'account.create', { name: 'EARLY' })
  token = await createUser(admin, 'EARLY', { name: 'early' })
  second = key(await command(admin, 'operator.rotate-signing-key', {}))

  expect(await listed()).toEqual([first, second])
  expect(await statuses(admin)).toEqual(['signing', 'untrusted'])
  await allWorks(started, [token])
  expect(await signersOfAccounts()).toEqual([first])
  const revoking = command(admin, 'operator.revoke-signing-key', { key: first, reason: 'rotated' })
  await expect(revoking).rejects.toThrow('in_use')
})

it('it signs everything once the server was started with it, and the old one can go', async () => {
  await using started = await start()
  const { admin, up } = started
  expect(up.tokens[ALICE]).toBe(issued)
  expect(await statuses(admin)).toEqual(['retiring', 'signing'])
  await eventually(async () => (await signersOfAccounts()).join() === second)
  await allWorks(started, [token])

  await command(admin, 'operator.revoke-signing-key', { key: first, reason: 'rotated' })
  await eventually(async () => (await listed()).join() === second)
  expect(await statuses(admin)).toEqual(['revoked', 'signing'])
  expect(await command(admin, 'operator.get', {})).toMatchObject({ restart: ['gatehouse'] })
  await allWorks(started, [token])
})

it('without the old one all goes on, and a spare key is made', async () => {
  await using started = await start()
  const { admin } = started
  expect(await command(admin, 'operator.get', {})).toMatchObject({ restart: [] })
  expect(await statuses(admin)).toEqual(['revoked', 'signing'])
  expect(await signersOfAccounts()).toEqual([second])
  await allWorks(started, [token])
  third = key(await command(admin, 'operator.create-signing-key', {}))
})

it('a key that leaks is replaced at once by one that servers trust already', async () => {
  await using started = await start()
  const { admin } = started
  expect(await statuses(admin)).toEqual(['revoked', 'ready', 'signing'])
  await eventually(async () => (await signersOfAccounts()).join() === third)

  trustBefore = await readFile(join(dataDir, 'trust.json'), 'utf8')
  // SYS and AUTH are signed anew too, under the feet of the service.
  await command(admin, 'operator.revoke-signing-key', { key: third, reason: 'leaked' })
  await eventually(async () => (await listed()).join() === second)
  // The key leaves the JWT last: a server that is started with it now takes every account.
  expect(await signersOfAccounts()).toEqual([second])
  expect(await command(admin, 'operator.get', {})).toMatchObject({ jwt: expect.any(String) as string })
  await allWorks(started, [token])
})

it('and is forgotten at the next start', async () => {
  await using started = await start()
  expect(await statuses(started.admin)).toEqual(['revoked', 'signing', 'revoked'])
  expect(await signersOfAccounts()).toEqual([second])
  await allWorks(started, [token])
  const files = await filesUnder(dataDir)
  expect(files.get('trust.json')).not.toContain(third)
  expect(files.get('trust.json')).not.toContain(first)
  const failures = (files.get('gatehouse.log') ?? '')
    .split('\n')
    .filter((line) => line.includes('"level":50'))
  expect(failures).toEqual([])
})

it('a crash before that was noted is made up for at the next start', async () => {
  await writeFile(join(dataDir, 'trust.json'), trustBefore)
  {
    await using started = await start()
    await eventually(async () => (await listed()).join() === second)
    expect(await signersOfAccounts()).toEqual([second])
    await allWorks(started, [token])
  }
  await using started = await start()
  expect(await command(started.admin, 'operator.get', {})).toMatchObject({ restart: [] })
  await allWorks(started, [token])
})
