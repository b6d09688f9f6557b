import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCommandLine, json, type CommandLine } from '../support/command-line.ts'

const ALICE = 'alice@example.com'
const PASSWORD = 'correct horse battery'

let line: CommandLine
beforeAll(async () => {
  line = await openCommandLine()
})
afterAll(() => line[Symbol.asyncDispose]())

describe('gatehouse <aggregate> <verb>', () => {
  it('makes, lists, shows and locks a user', async () => {
    const made = await line.admin([
      'user',
      'create',
      'ORDERS',
      'dora',
      '--policies',
      'developer',
      '--metadata',
      'team=core',
    ])
    expect(made).toMatchObject({ code: 0, err: '' })
    expect(made.out).toMatch(/^user +01\w+$/m)
    expect(made.out).toMatch(/^events +user\.registered$/m)

    const listed = await line.admin(['user', 'list', 'ORDERS'])
    expect(listed.out).toMatch(/^NAME +STATUS +POLICIES/)
    expect(listed.out).toMatch(/^dora +active +developer /m)

    await line.admin(['user', 'lock', 'ORDERS', 'dora', '--reason', 'left us'])
    const shown = await line.admin(['user', 'get', 'ORDERS', 'dora'])
    expect(shown.out).toMatch(/^status +locked$/m)
    expect(shown.out).toMatch(/^lock\.reason +left us$/m)
    expect(shown.out).toMatch(/^metadata\.team +core$/m)

    const again = await line.admin(['user', 'lock', 'ORDERS', 'dora', '--reason', 'left us'])
    expect(again).toMatchObject({ code: 0, err: 'gatehouse: nothing changed: it was so already\n' })
  })

  it('says it in JSON and in YAML', async () => {
    const asJson = await line.admin(['account', 'get', 'ORDERS', '--json'])
    expect(json(asJson.out)).toMatchObject({ account: { name: 'ORDERS' }, events: [] })
    const asYaml = await line.admin(['account', 'get', 'ORDERS', '--output', 'yaml'])
    expect(asYaml.out).toMatch(/^account:\n {2}name: ORDERS$/m)
  })

  it('follows a list to its end, however small its pages are', async () => {
    const { request } = await opened()
    const names = Array.from({ length: 520 }, (_, n) => `page-${n}`)
    for (let i = 0; i < names.length; i += 40)
      await Promise.all(
        names.slice(i, i + 40).map((name) => request('user.create', { account: 'ANALYTICS', name })),
      )
    const all = json((await line.admin(['user', 'list', 'ANALYTICS', '--json'])).out)['items'] as {
      name: string
    }[]
    expect(new Set(all.map(({ name }) => name))).toEqual(new Set(['service-a', ...names]))
    expect(all.length).toBe(names.length + 1)

    const some = await line.admin(['user', 'list', 'ANALYTICS', '--limit', '510', '--json'])
    expect((json(some.out)['items'] as unknown[]).length).toBe(510)
    const few = await line.admin(['user', 'list', 'ANALYTICS', '--limit', '2'])
    expect(few.out.trimEnd().split('\n').length).toBe(3)
    expect(few.err).toMatch(/^gatehouse: there are more: --after \d+ goes on\n$/)
  })

  it('reads what flags cannot say from a document', async () => {
    const document = 'subscribe:\n  allow: ["things.>", { subject: work, queue: crew }]\n'
    const args = ['policy', 'create', 'thinker', '--from', '-', '--publish-allow', 'things.done']
    expect(await line.admin(args, { input: document })).toMatchObject({ code: 0 })
    const { policy } = json((await line.admin(['policy', 'get', 'thinker', '--json'])).out)
    expect(policy).toMatchObject({
      permissions: { publish: { allow: ['things.done'] }, subscribe: { allow: ['things.>', 'work crew'] } },
    })
  })

  it('takes nothing away because a flag was forgotten', async () => {
    const permissions = async (): Promise<unknown> => {
      const { out } = await line.admin(['policy', 'get', 'doer', '--json'])
      return (json(out)['policy'] as { permissions: unknown }).permissions
    }
    await line.admin(['policy', 'create', 'doer', '--publish-allow', 'done'])
    expect((await line.admin(['policy', 'history', 'doer'])).out).toMatch(/ BY +WHEN\n.* done +admin +20/)
    const before = await permissions()
    const forgotten = await line.admin(['policy', 'update-permissions', 'doer'])
    expect(forgotten).toMatchObject({ code: 2, out: '' })
    expect(forgotten.err).toMatch(/^ {2}--publish-allow, .*: say what, or --clear to take it away$/m)
    expect(await permissions()).toEqual(before)
    expect(await line.admin(['policy', 'update-permissions', 'doer', '--clear'])).toMatchObject({ code: 0 })
    expect(await permissions()).toEqual({
      publish: { allow: [], deny: [] },
      subscribe: { allow: [], deny: [] },
    })
  })

  async function opened() {
    const nc = await line.world.connectAs('admin')
    const request = async (name: string, body: unknown): Promise<void> => {
      const reply = await nc.request(`auth.v1.${name}`, JSON.stringify(body), { timeout: 30_000 })
      expect(reply.headers?.has('Nats-Service-Error') ?? false).toBe(false)
    }
    return { request }
  }
})

describe('a secret', () => {
  it('that is shown once is alone on standard output, and lets its user in', async () => {
    const { code, out, err } = await line.admin([
      'user',
      'issue-token',
      'ORDERS',
      ALICE,
      '--label',
      'laptop',
      '--ttl',
      '1h',
    ])
    expect(code).toBe(0)
    expect(out).toMatch(/^gh_[\w-]{43}\n$/)
    expect(err).toMatch(
      /^gatehouse: the token is shown this once, user 01\w+, credential 01\w+, inboxPrefix _INBOX_01\w+\n$/,
    )
    expect(err).not.toContain(out.trim())
    const file = join(line.folder.path, 'alice.token')
    await writeFile(file, out)
    const who = await line.bare(['whoami', '--server', line.world.server.url, '--token-file', file, '--json'])
    expect(json(who.out)).toMatchObject({ user: { name: ALICE } })
  })

  it('is a line each on standard output where several are made', async () => {
    const input = 'credentials: [{ kind: token, label: a }, { kind: token, ttl: 1h }]\n'
    const args = ['user', 'update-credentials', 'ORDERS', ALICE, '--from', '-']
    const { code, out, err } = await line.admin(args, { input })
    expect(code).toBe(0)
    expect(out).toMatch(/^(?:gh_[\w-]{43}\n){2}$/)
    expect(err).toMatch(/^gatehouse: the tokens are shown this once, user 01\w+, credentials 01\w+, 01\w+\n$/)
    for (const token of out.trim().split('\n')) expect(err).not.toContain(token)
  })

  it('is in the whole reply that was asked for', async () => {
    const { out, err } = await line.admin(['user', 'issue-token', 'ORDERS', ALICE, '--json'])
    expect(json(out)['token']).toMatch(/^gh_/)
    expect(err).toBe('')
  })

  it.each(['-', 'a file'])('is read from %s, and from nowhere else', async (where) => {
    const name = where === '-' ? 'erin' : 'frank'
    await line.admin(['user', 'create', 'ORDERS', name])
    const file = join(line.folder.path, 'password.txt')
    await writeFile(file, `${PASSWORD}\n`)
    const args = ['user', 'update-credentials', 'ORDERS', name, '--password-file', where === '-' ? '-' : file]
    const done = await line.admin(args, where === '-' ? { input: `${PASSWORD}\n` } : {})
    expect(done).toMatchObject({ code: 0, err: '' })
    expect(done.out).not.toContain(PASSWORD)
    await line.bare([
      'context',
      'add',
      name,
      '--server',
      line.world.server.url,
      '--user',
      name,
      '--password-file',
      file,
    ])
    const who = await line.bare(['whoami', '--context', name, '--json'])
    expect(json(who.out)).toMatchObject({ user: { name } })
  })

  it('has no flag', async () => {
    const refused = await line.admin(['user', 'update-credentials', 'ORDERS', ALICE, '--password', PASSWORD])
    expect(refused).toMatchObject({ code: 2, out: '' })
    expect(refused.err).not.toContain(PASSWORD)
  })

  it('that is missing is asked for by name, where there is no terminal', async () => {
    const refused = await line.admin(['user', 'update-credentials', 'ORDERS', ALICE])
    expect(refused).toMatchObject({ code: 2, out: '' })
    expect(refused.err).toContain('--password-file: is missing')
  })
})
