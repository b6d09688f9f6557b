import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { token } from '../../src/cli/token.ts'
import { publishUpFile } from '../../src/cli/up-file.ts'
import { Vault } from '../../src/keys/vault.ts'
import { openDataDir } from '../../src/nats/data-dir.ts'
import { TrustChain } from '../../src/nats/trust.ts'
import { temporaryFolder } from '../support/programs.ts'

const [url, http, websocket, mqtt] = ['nats://h:1', 'http://h:2', 'ws://h:3', 'mqtt://h:4']
const facts = { url, http, websocket, mqtt, pid: process.pid, tokens: { alice: 'her token' } }

async function printed(name: string, dataDir: string): Promise<string> {
  let said = ''
  const out = { isTTY: false, hasColors: false, write: (text: string) => void (said += text) }
  await token(name, dataDir, { out, err: out })
  return said
}

describe('gatehouse token', () => {
  it('prints a token there is, and no other property of an object', async () => {
    await using folder = await temporaryFolder()
    await using dir = await openDataDir(folder.path)
    using _published = publishUpFile(dir.path, facts)
    expect(await printed('alice', dir.path)).toBe('her token\n')
    for (const name of ['constructor', '__proto__', 'toString', 'bob']) {
      await expect(printed(name, dir.path)).rejects.toMatchObject({ code: 'not_found' })
    }
  })

  it('does not believe what a killed run left', async () => {
    await using folder = await temporaryFolder()
    {
      await using _dir = await openDataDir(folder.path)
      publishUpFile(folder.path, facts)
    }
    await expect(printed('alice', folder.path)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('no Gatehouse runs on') as string,
    })
  })

  it.each(['', '{"url":', 'null', '{}'])('tells of a damaged up.json (%j) by name', async (text) => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'up.json'), text)
    await expect(printed('alice', folder.path)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('up.json') as string,
    })
  })
})

describe('a trust.json', () => {
  it.each(['', '{"v":1,"check":"', '{}', '[]'])('that is damaged (%j) is told of by name', async (text) => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'trust.json')
    await writeFile(path, text)
    const make = { operatorName: 'o', at: '2026-01-01T00:00:00Z' }
    expect(() => TrustChain.open(path, new Vault(Buffer.alloc(32, 7)), make)).toThrow(
      expect.objectContaining({
        code: 'invalid_configuration',
        message: expect.stringContaining(`${path} is damaged or cut short`) as string,
      }),
    )
  })
})
