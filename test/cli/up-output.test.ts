import { describe, expect, it } from 'vitest'
import { parseDocuments } from '../../src/admin/documents.ts'
import { readSources } from '../../src/cli/sources.ts'
import { tellUp } from '../../src/cli/up-output.ts'
import { readUpConfig } from '../../src/config.ts'
import { PROJECT } from '../support/world.ts'

const policy = { path: 'p.yaml', text: 'kind: policy\nname: open\n' }
const account = (name: string, user: string) => ({
  path: `${name}.yaml`,
  text: `kind: account\nname: ${name}\nusers:\n  - name: ${JSON.stringify(user)}\n    policies: [open]\n`,
})

function welcome(files: Parameters<typeof parseDocuments>[0], names: readonly string[]): string {
  let said = ''
  const out = { isTTY: false, hasColors: false, write: (text: string) => void (said += text) }
  const tokens = Object.fromEntries(names.map((name) => [name, 'hunter2']))
  const [url, http, websocket, mqtt] = ['nats://h:1', 'http://h:2', 'ws://h:3', 'mqtt://h:4']
  const up = { url, http, websocket, mqtt, pid: 1, tokens }
  const config = readUpConfig({}, {}, PROJECT)
  tellUp({ out, err: out }, { config, up, documents: parseDocuments(files) })
  expect(said).not.toContain('hunter2')
  return said
}

const namesIn = (said: string) => [...said.matchAll(/ token (\S+)\)/g)].map(([, name]) => name)

describe('the welcome', () => {
  it('with the samples is of alice and an admin', async () => {
    const names = ['admin', 'service-a', 'alice@example.com', 'bob@example.com']
    const said = welcome(await readSources(PROJECT), names)
    expect(namesIn(said)).toEqual(['alice@example.com', 'alice@example.com', 'admin'])
    expect(said).toContain('req auth.v1.user.create')
  })

  it('with others is of the first user there is, and says that nobody is in ADMIN', () => {
    const said = welcome([policy, account('SHOP', 'dora'), account('TILL', 'emil')], ['dora', 'emil'])
    expect(namesIn(said)).toEqual(['dora'])
    expect(said).toContain('auth.v1.whoami')
    expect(said).toContain('No document declares a user in ADMIN')
    expect(said).not.toMatch(/alice|carol|ORDERS/)
  })

  it('knows an admin that shares its name, and asks of it only what there is', () => {
    const said = welcome(
      [policy, account('SHOP', 'root'), account('ADMIN', 'root')],
      ['SHOP/root', 'ADMIN/root'],
    )
    expect(namesIn(said)).toEqual(['SHOP/root', 'ADMIN/root'])
    expect(said).not.toMatch(/carol|ORDERS|No document/)
  })

  it('says when there is nobody', () => {
    expect(welcome([policy], [])).toContain('nobody has a token')
  })
})
