import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openContexts, type Contexts } from '../../src/cli/contexts.ts'
import type { GatehouseError } from '../../src/errors.ts'
import type { Inputs } from '../../src/cli/inputs.ts'
import { targetOf } from '../../src/cli/target.ts'
import { publishUpFile } from '../../src/cli/up-file.ts'
import { openDataDir } from '../../src/nats/data-dir.ts'
import { temporaryFolder, type Folder } from '../support/programs.ts'

const LOCAL = { server: 'nats://localhost' }
/** Files whose text is their name. */
const inputs: Inputs = {
  text: (file) => Promise.resolve(`text of ${file}`),
  secret: (file) => Promise.resolve(`secret of ${file}`),
  ask: () => Promise.resolve(undefined),
}

async function withContexts(
  test: (contexts: Contexts, folder: Folder) => Promise<void> | void,
): Promise<void> {
  await using folder = await temporaryFolder()
  await test(openContexts({ XDG_CONFIG_HOME: folder.path }), folder)
}

describe('contexts', () => {
  it('are none at first', () =>
    withContexts((contexts) => {
      expect(contexts.names()).toEqual([])
      expect(contexts.selected()).toBeUndefined()
      expect(() => contexts.read('a')).toThrow('there is no context "a": there is none')
    }))

  it('are kept, listed, chosen and removed', () =>
    withContexts(async (contexts, folder) => {
      contexts.write('b', { ...LOCAL, tokenFile: '/t' })
      contexts.write('a', LOCAL)
      expect(contexts.names()).toEqual(['a', 'b'])
      expect(contexts.read('b')).toEqual({ ...LOCAL, tokenFile: '/t' })
      contexts.select('b')
      expect(contexts.selected()).toBe('b')
      expect(() => contexts.select('c')).toThrow('there are a, b')
      contexts.remove('a')
      expect(contexts.selected()).toBe('b')
      contexts.remove('b')
      expect(contexts.selected()).toBeUndefined()
      expect(await readdir(join(folder.path, 'gatehouse', 'context'))).toEqual([])
    }))

  it('are their owner’s alone', () =>
    withContexts(async (contexts, folder) => {
      contexts.write('a', LOCAL)
      const root = join(folder.path, 'gatehouse', 'context')
      expect((await stat(root)).mode & 0o777).toBe(0o700)
      expect((await stat(join(root, 'a.json'))).mode & 0o777).toBe(0o600)
    }))

  it.each(['', '../a', 'a/b', '.a', 'a b', 'a'.repeat(65)])('are never called %j', (name) =>
    withContexts((contexts) => {
      expect(() => contexts.write(name, LOCAL)).toThrow('the name of a context')
      expect(() => contexts.read(name)).toThrow('the name of a context')
    }),
  )

  it.each(['{"server":', '[]', '{}', '{"server":7}', '{"server":"a","token":"s3cret"}'])(
    'are not read from %s, and nothing of it is told',
    (text) =>
      withContexts(async (contexts, folder) => {
        await mkdir(join(folder.path, 'gatehouse', 'context'), { recursive: true })
        await writeFile(join(folder.path, 'gatehouse', 'context', 'a.json'), text)
        expect(() => contexts.read('a')).toThrow(expect.objectContaining({ code: 'invalid_configuration' }))
        expect(() => contexts.read('a')).not.toThrow('s3cret')
      }),
  )

  it('are under ~/.config by default', async () => {
    await using folder = await temporaryFolder()
    openContexts({ HOME: folder.path }).write('a', LOCAL)
    expect(await readdir(join(folder.path, '.config', 'gatehouse', 'context'))).toEqual(['a.json'])
  })
})

describe('a target', () => {
  it('is what comes first: a named context, the selected one, the environment, a running Gatehouse', async () => {
    await using folder = await temporaryFolder()
    const dataDir = join(folder.path, 'data')
    await using _dir = await openDataDir(dataDir)
    const urls = { http: '', websocket: '', mqtt: '', pid: process.pid }
    using _up = publishUpFile(dataDir, { ...urls, url: 'nats://up', tokens: { admin: 'of up' } })
    const here = { XDG_CONFIG_HOME: folder.path, GATEHOUSE_DATA_DIR: dataDir }
    const nats = { NATS_URL: 'nats://env', NATS_CREDS: 'env.creds' }
    const contexts = openContexts(here)
    contexts.write('a', { server: 'nats://a', tokenFile: '/a' })
    contexts.write('b', { server: 'nats://b', user: 'bob', passwordFile: '/b' })
    const chosen = async (flags: object, env: object) => {
      const { servers, proof, origin } = await targetOf(flags, { env: { ...here, ...env }, inputs })
      return [servers, proof.kind, origin]
    }
    expect(await chosen({}, {})).toEqual(['nats://up', 'token', `gatehouse up on ${dataDir}`])
    expect(await chosen({}, nats)).toEqual([
      'nats://env',
      'creds',
      'NATS_URL and NATS_CREDS of the environment',
    ])
    expect(await chosen({}, { NATS_TOKEN: 't' })).toEqual([
      'nats://127.0.0.1:4222',
      'token',
      'NATS_TOKEN of the environment',
    ])
    contexts.select('a')
    expect(await chosen({}, nats)).toEqual(['nats://a', 'token', 'context "a"'])
    expect(await chosen({}, { ...nats, GATEHOUSE_CONTEXT: 'b' })).toEqual([
      'nats://b',
      'password',
      'context "b"',
    ])
    expect(await chosen({ context: 'a' }, { GATEHOUSE_CONTEXT: 'b' })).toEqual([
      'nats://a',
      'token',
      'context "a"',
    ])
    expect(await chosen({ dataDir }, nats)).toEqual(['nats://up', 'token', `gatehouse up on ${dataDir}`])
    expect(await chosen({ server: 'nats://c', creds: 'c' }, nats)).toEqual([
      'nats://c',
      'creds',
      'context "a" with --server and --creds',
    ])
  })

  it('never gives the token of a running Gatehouse to another server', async () => {
    await using folder = await temporaryFolder()
    await using _dir = await openDataDir(folder.path)
    const urls = { http: '', websocket: '', mqtt: '', pid: process.pid }
    using _up = publishUpFile(folder.path, { ...urls, url: 'nats://up', tokens: { admin: 'of up' } })
    const env = { XDG_CONFIG_HOME: folder.path, GATEHOUSE_DATA_DIR: folder.path }
    expect(await targetOf({ server: 'nats://elsewhere' }, { env, inputs })).toMatchObject({
      servers: 'nats://elsewhere',
      proof: { kind: 'none' },
    })
    await expect(
      targetOf({ server: 'nats://elsewhere', dataDir: folder.path }, { env, inputs }),
    ).rejects.toMatchObject({ code: 'invalid_configuration' })
  })

  describe('over a context', () => {
    const CONTEXT = { server: 'nats://a, nats://b', tokenFile: '/a' }
    const target = async (flags: object, context: Parameters<Contexts['write']>[1] = CONTEXT, more = {}) => {
      await using folder = await temporaryFolder()
      const env = { XDG_CONFIG_HOME: folder.path, ...more }
      const contexts = openContexts(env)
      contexts.write('a', context)
      contexts.select('a')
      const reads: string[] = []
      const secret = (file: string): Promise<string> => {
        reads.push(file)
        return inputs.secret(file)
      }
      return { ...(await targetOf(flags, { env, inputs: { ...inputs, secret } })), reads }
    }

    it.each(['nats://c', 'nats://a,nats://c'])('does not take its token to %s', async (server) => {
      await expect(target({ server })).rejects.toMatchObject({
        code: 'invalid_request',
        faults: [{ where: '--server', rule: expect.stringContaining('goes nowhere else') as string }],
      })
      const creds = { server: 'nats://a', creds: '/a' }
      await expect(target({ server }, creds)).rejects.toMatchObject({ code: 'invalid_request' })
    })

    it('goes elsewhere with a proof of its own, and as nobody', async () => {
      const elsewhere = await target({ server: 'nats://c', tokenFile: '/c' })
      expect(elsewhere).toMatchObject({ servers: 'nats://c', proof: { token: 'secret of /c' } })
      const nobody = await target({ server: 'nats://c' }, { server: 'nats://a' })
      expect(nobody).toMatchObject({ servers: 'nats://c', proof: { kind: 'none' } })
    })

    it('may name one of its servers', async () => {
      expect(await target({ server: 'nats://b' })).toMatchObject({ servers: 'nats://b', reads: ['/a'] })
    })

    it('has the inbox of whom it proves, of a flag, or of the environment', async () => {
      const own = { ...CONTEXT, inboxPrefix: '_INBOX_a' }
      const prefix = async (flags: object, context: Parameters<Contexts['write']>[1]) =>
        (await target(flags, context, { GATEHOUSE_INBOX_PREFIX: '_INBOX_env' })).inboxPrefix
      expect(await prefix({}, own)).toBe('_INBOX_a')
      expect(await prefix({ inboxPrefix: '_INBOX_flag' }, own)).toBe('_INBOX_flag')
      expect(await prefix({ tokenFile: '/c' }, own)).toBe('_INBOX_env')
      expect(await prefix({}, CONTEXT)).toBe('_INBOX_env')
      expect(await target({})).not.toHaveProperty('inboxPrefix')
    })

    it.each(['', 'a b', '_INBOX.', '.a', '_INBOX.>', '_INBOX.*'])('has no inbox %j', async (inboxPrefix) => {
      const rule = expect.stringMatching(/^must be a subject without wildcards/) as string
      const wrong = target({ inboxPrefix })
      await expect(wrong).rejects.toMatchObject({ faults: [{ where: '--inbox-prefix', rule }] })
      await expect(target({}, { ...CONTEXT, inboxPrefix })).rejects.toMatchObject({
        code: 'invalid_configuration',
        faults: [{ where: 'inboxPrefix', rule }],
      })
      if (inboxPrefix === '') return // Not set.
      const set = target({}, CONTEXT, { GATEHOUSE_INBOX_PREFIX: inboxPrefix })
      await expect(set).rejects.toMatchObject({ faults: [{ where: 'GATEHOUSE_INBOX_PREFIX', rule }] })
    })

    it('does not read the token that a flag goes over', async () => {
      expect(await target({ tokenFile: '/c' })).toMatchObject({ reads: ['/c'] })
    })
  })

  it('is not the context of an empty variable', async () => {
    await using folder = await temporaryFolder()
    const env = { XDG_CONFIG_HOME: folder.path, GATEHOUSE_CONTEXT: '', NATS_URL: 'nats://env' }
    expect(await targetOf({}, { env, inputs })).toMatchObject({ servers: 'nats://env' })
  })

  it('on a directory where nothing runs is missing for that reason alone', async () => {
    await using folder = await temporaryFolder()
    const env = { XDG_CONFIG_HOME: folder.path, NATS_URL: 'nats://env' }
    const dataDir = join(folder.path, 'none')
    await expect(targetOf({ dataDir }, { env, inputs })).rejects.toMatchObject({
      code: 'unavailable',
      message: `no Gatehouse runs on ${dataDir}: start one with gatehouse up --data-dir ${dataDir}`,
    })
  })

  it('needs no admin in a running Gatehouse for whom a flag names', async () => {
    await using folder = await temporaryFolder()
    await using _dir = await openDataDir(folder.path)
    const urls = { http: '', websocket: '', mqtt: '', pid: process.pid }
    using _up = publishUpFile(folder.path, { ...urls, url: 'nats://up', tokens: {} })
    const finding = { env: { XDG_CONFIG_HOME: folder.path }, inputs }
    const dataDir = folder.path
    expect(await targetOf({ dataDir, tokenFile: '/t' }, finding)).toMatchObject({ servers: 'nats://up' })
    await expect(targetOf({ dataDir }, finding)).rejects.toMatchObject({ code: 'not_found' })
  })

  it.each(['nats://tok3n@host', 'tok3n@host', 'nats://ok,nats://user:tok3n@host:4222'])(
    'is never %s, which holds a secret',
    async (server) => {
      await using folder = await temporaryFolder()
      const env = { XDG_CONFIG_HOME: folder.path }
      const refused = async (asking: Promise<unknown>, where: string): Promise<void> => {
        const error = (await asking.catch((reason: unknown) => reason)) as GatehouseError
        expect(error).toMatchObject({ code: 'invalid_request', faults: [{ where }] })
        expect(error.message).toContain('--token-file')
        expect(error.message).not.toContain('tok3n')
      }
      await refused(targetOf({ server }, { env, inputs }), '--server')
      await refused(targetOf({}, { env: { ...env, NATS_URL: server }, inputs }), 'NATS_URL')
      const contexts = openContexts(env)
      contexts.write('old', { server })
      expect(() => contexts.read('old')).toThrow('is no context')
      contexts.remove('old')
      expect(contexts.names()).toEqual([])
    },
  )
})
