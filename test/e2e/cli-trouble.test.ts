import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCommandLine, json, type CommandLine } from '../support/command-line.ts'
import { nowhere } from '../support/programs.ts'
import type { Finished } from '../support/up.ts'

const ALICE = 'alice@example.com'

let line: CommandLine
beforeAll(async () => {
  line = await openCommandLine()
})
afterAll(() => line[Symbol.asyncDispose]())

describe('what goes wrong', () => {
  it('on the command line is told by the name of every flag, before anything is sent', async () => {
    const args = [
      'user',
      'create',
      'OR DERS',
      '--policies',
      'a b',
      '--metadata',
      'x',
      '--if-revision',
      'soon',
    ]
    const { code, out, err } = await line.bare(args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^gatehouse: error: the request has faults \(invalid_request\)$/m)
    for (const word of ['<account>', '<name>', '--policies', '--metadata', '--if-revision'])
      expect(err).toMatch(new RegExp(`^  ${word}: `, 'm'))
  })

  it('says what to do next', async () => {
    const missing = await line.admin(['user', 'get', 'ORDERS', 'nobody'])
    expect(missing).toMatchObject({ code: 1, out: '' })
    expect(missing.err).toBe(
      'gatehouse: error: there is no user "nobody" in account "ORDERS" (not_found)\n' +
        '  gatehouse user list ORDERS shows which there are\n',
    )
    const conflict = await line.admin([
      'user',
      'set-expiry',
      'ORDERS',
      ALICE,
      '--clear',
      '--if-revision',
      '1',
    ])
    expect(conflict).toMatchObject({ code: 1, out: '' })
    expect(conflict.err).toMatch(
      /\(revision_conflict\)\n {2}--if-revision: is at revision (\d+)\n.* user get ORDERS alice@example\.com .* --if-revision \1\n$/,
    )
    const taken = await line.admin(['user', 'create', 'ORDERS', ALICE])
    expect(taken.err).toMatch(/\(already_exists\)\n {2}gatehouse user get ORDERS alice@example\.com /)
    const credential = await line.admin(['user', 'revoke-credential', 'ORDERS', ALICE, 'none'])
    expect(credential.err).toMatch(/\(not_found\)\n {2}gatehouse user get ORDERS alice@example\.com /)
    const lock = ['user', 'lock', 'ORDERS', ALICE, '--command-id', 'once', '--reason']
    await line.admin([...lock, 'one'])
    const reused = await line.admin([...lock, 'two'])
    expect(reused.err).toMatch(/\(already_exists\)\n {2}--command-id: .*\n {2}say another --command-id/)
    await line.admin(['user', 'unlock', 'ORDERS', ALICE])
    await writeFile(join(line.folder.path, 'wrong'), 'gh_wrong')
    const wrong = ['--server', line.world.server.url, '--token-file', join(line.folder.path, 'wrong')]
    expect((await line.bare(['whoami', ...wrong])).err).toMatch(/\(forbidden\)\n {2}check the file .*token/)
  })

  it('is JSON on standard error with --json', async () => {
    const missing = await line.admin(['account', 'get', 'NOBODY', '--json'])
    expect(missing).toMatchObject({ code: 1, out: '' })
    expect(json(missing.err)).toEqual({
      error: {
        code: 'not_found',
        message: 'there is no account "NOBODY"',
        faults: [],
        next: 'gatehouse account list shows which there are',
      },
    })
    const misused = await line.bare(['account', 'get', 'NOBODY', '--colour', '--json'])
    expect(misused).toMatchObject({ code: 2, out: '' })
    expect(json(misused.err)).toMatchObject({ error: { code: 'invalid_request' } })
    const faulty = await line.bare(['account', 'get', '--json'])
    expect(json(faulty.err)).toMatchObject({ error: { faults: [{ where: '<account>' }] } })
  })

  it.each([
    [['user', 'paint'], 2],
    [['paint'], 2],
    [['user'], 2],
    [['account', 'list', 'too', 'many'], 2],
    [['account', 'list', '--limit', '0'], 2],
    [['account', 'list', '--output', 'xml'], 2],
    [['account', 'list', '--timeout', 'long'], 2],
    [['account', 'list', '--from', '/nowhere'], 2],
    [['completion', 'tcsh'], 2],
    [['context', 'show', '../../etc/passwd'], 2],
    [['--help'], 0],
    [['user', '--help'], 0],
    [['user', 'get', '--help'], 0],
  ])('gatehouse %j ends with %i', async (args, code) => {
    expect((await line.bare(args)).code).toBe(code)
  })

  it('when nobody is there names the place, and where it comes from', async () => {
    const url = (await nowhere()).replace('http', 'nats')
    const alone = await line.bare(['whoami', '--server', url])
    expect(alone).toMatchObject({ code: 1, out: '' })
    expect(alone.err).toMatch(
      /no NATS server answers at .* \(--server\): connection refused \(unavailable\)\n {2}is it running\?/,
    )
    const lost = await line.bare(['whoami'])
    expect(lost).toMatchObject({ code: 1, out: '' })
    expect(lost.err).toContain('gatehouse context add')
  })

  it('when a policy forbids it says who may tell', async () => {
    const file = join(line.folder.path, 'alice')
    await writeFile(file, line.world.tokens[ALICE] ?? '')
    const refused = await line.bare([
      'account',
      'list',
      '--server',
      line.world.server.url,
      '--token-file',
      file,
    ])
    expect(refused).toMatchObject({ code: 1, out: '' })
    expect(refused.err).toMatch(/publish auth\.v1\.account\.list \(forbidden\)\n {2}gatehouse whoami/)
  })
})

describe('where commands go', () => {
  const add = (name: string, ...more: string[]): Promise<Finished> =>
    line.bare([
      'context',
      'add',
      name,
      '--server',
      line.world.server.url,
      '--token-file',
      line.tokenFile,
      ...more,
    ])
  const who = async (
    args: readonly string[],
    given: { readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<unknown> => {
    const { out, err } = await line.bare(['whoami', '--json', ...args], given)
    return out === '' ? err : (json(out)['user'] as { name: string }).name
  }

  it('is said by a context, which holds no secret and is nobody else’s to read', async () => {
    expect(await add('prod', '--description', 'the real one')).toMatchObject({ code: 0 })
    const file = join(line.config, 'gatehouse', 'context', 'prod.json')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(json(await readFile(file, 'utf8'))).toEqual({
      description: 'the real one',
      server: line.world.server.url,
      tokenFile: line.tokenFile,
    })
    expect(await who(['--context', 'prod'])).toBe('admin')
    expect(await who([], { env: { GATEHOUSE_CONTEXT: 'prod' } })).toBe('admin')
    expect(await who([])).toContain('no context is selected')
    await line.bare(['context', 'select', 'prod'])
    expect(await who([])).toBe('admin')
    expect((await line.bare(['context', 'ls'])).out).toMatch(/^prod .* yes +the real one$/m)
    await line.bare(['context', 'rm', 'prod'])
    expect(await who([])).toContain('no context is selected')
    const gone = await line.bare(['context', 'show', 'prod'])
    expect(gone).toMatchObject({ code: 1, out: '' })
    expect(gone.err).toContain('gatehouse context list')
  })

  it('is never a URL with a secret in it', async () => {
    const refused = await line.bare(['context', 'add', 'leaky', '--server', 'nats://tok3n@host'])
    expect(refused).toMatchObject({ code: 2, out: '' })
    expect(refused.err).toMatch(/--server: must not hold .* --token-file/)
    expect(refused.err).not.toContain('tok3n')
    expect((await line.bare(['context', 'list', '--json'])).out).not.toContain('leaky')
    expect(await line.bare(['whoami'], { env: { NATS_URL: 'nats://tok3n@host' } })).toMatchObject({ code: 2 })
  })

  it('is said by the environment when there is no context', async () => {
    const env = { NATS_URL: line.world.server.url, NATS_TOKEN: line.world.tokens[ALICE] ?? '' }
    expect(await who([], { env })).toBe(ALICE)
    expect(await who(['--token-file', line.tokenFile], { env })).toBe('admin')
  })

  it('is never somebody else’s server with the token of this machine’s own system', async () => {
    const refused = await who(['--server', line.world.server.url])
    expect(refused).toContain('lets nobody in without a token')
  })

  it('is one place only', async () => {
    const both = await line.bare(['whoami', '--token-file', line.tokenFile, '--creds', line.tokenFile])
    expect(both).toMatchObject({ code: 2, out: '' })
  })
})
