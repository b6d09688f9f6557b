import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportTo, type ExportFlags } from '../../src/cli/export.ts'
import { openApplying, type Applying } from '../support/applying.ts'
import { command } from '../support/clients.ts'
import { listenedShell } from '../support/shell.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let documents: Applying
beforeAll(async () => {
  world = await openWorld()
  documents = await openApplying(world)
  const admin = await world.connectAs('admin')
  const done = (name: string, body: Readonly<Record<string, unknown>>) => command(admin, name, body)
  await done('policy.create', {
    name: 'Rich',
    description: 'Has: "everything"\nthere is.',
    publish: { allow: ['a.{{user.metadata.team}}.>'], deny: ['a.b'] },
    subscribe: { allow: ['c.> workers', 'd'] },
    allow: [
      { stream: 'ORDERS', may: ['read', 'write'], subjects: ['orders.>', 'b'], domain: 'hub' },
      { consumer: '*', stream: 'ORDERS', may: ['use'], prefix: 'from.orders' },
      { kv: 'config', may: ['read', 'watch'], keys: ['app.{{user.metadata.team}}.>'] },
      { object: 'files', may: ['manage'] },
      { service: 'pricing', may: ['serve'], subjects: ['pricing.*'], queue: 'q' },
    ],
    deny: [{ 'request-reply': 'time.get', may: ['request'] }],
    responses: { max: 3, ttl: '90s' },
    limits: {
      lifetime: '1h30m',
      sources: ['10.0.0.0/8'],
      connectionTypes: ['STANDARD', 'MQTT', 'MQTT_WS'],
      windows: [
        { zone: 'Europe/Berlin', start: '08:00', end: '18:00', days: ['mon', 'fri'] },
        { end: '06:00', start: '22:00', zone: 'UTC' },
      ],
      sessions: 3,
    },
    delegable: true,
  })
  await done('policy.create', { name: 'rich' })
  await done('policy.create', { name: 'own', account: 'ORDERS', publish: { allow: ['x'] } })
  await done('role.create', { name: 'clerk', policies: ['Rich', 'rich'], description: 'Sells.' })
  await done('role.create', { name: 'clerk', account: 'ORDERS', policies: ['own'] })
  await done('account.set-boundary-policy', { account: 'ORDERS', policy: 'own' })
  await done('account.set-expiry', { account: 'ORDERS', expiresAt: '2099-01-31T12:00:00+01:00' })
  await done('account.set-default-policy', { account: 'ANALYTICS' })
  await done('account.create', {
    name: 'Üß',
    limits: { payload: 1_500, jetstream: {} },
    metadata: { team: 'true' },
  })
  await done('user.create', { account: 'ORDERS', name: 'zoe', roles: ['clerk'], metadata: { a: ' b ' } })
  await done('user.set-expiry', { account: 'ORDERS', user: 'zoe', expiresAt: '2098-01-31T12:00:00Z' })
  for (let n = 0; n < 60; n += 1) await done('user.create', { account: 'Üß', name: `u${n}` })
  await done('user.issue-token', { account: 'ORDERS', user: 'zoe', label: 'a secret of zoe' })
})
afterAll(async () => {
  await documents[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

async function exportHere(dir: string, more: Partial<ExportFlags> = {}): Promise<string> {
  const { shell, err } = listenedShell()
  await exportTo(dir, { ...documents.flags, ...more }, shell)
  return err()
}

describe('gatehouse export', () => {
  it('writes documents that apply to no change, prune or not, and writes them once', async () => {
    const dir = join(documents.path, 'system')
    expect(await exportHere(dir)).toMatch(/^gatehouse: wrote \d+ files\n$/)
    expect(await documents.plan(dir)).toMatchObject({ outcome: 'nothing' })
    const pruned = await documents.apply([dir], { dryRun: true, prune: true })
    expect(pruned).toMatchObject({ outcome: 'nothing', out: 'Nothing to do: all is as declared.\n' })
    expect(await exportHere(dir)).toBe('gatehouse: nothing to write: all is as it was\n')

    const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((each) =>
      each.isFile(),
    )
    const paths = files.map(({ parentPath, name }) => join(parentPath, name).slice(dir.length + 1)).sort()
    expect(paths).toEqual([
      'accounts/%C3%9C%C3%9F.yaml',
      'accounts/ADMIN.yaml',
      'accounts/ANALYTICS.yaml',
      'accounts/ORDERS.yaml',
      ...paths.filter((path) => path.startsWith('operator/')),
      'policies/ORDERS/own.yaml',
      expect.stringMatching(/^policies\/Rich~[0-9a-f]{8}\.yaml$/),
      ...['account-admin', 'admin', 'auditor', 'base', 'developer', 'readonly'].map(
        (name) => `policies/${name}.yaml`,
      ),
      expect.stringMatching(/^policies\/rich~[0-9a-f]{8}\.yaml$/),
      'policies/worker.yaml',
      'roles/ORDERS/clerk.yaml',
      'roles/clerk.yaml',
      ...['account', 'operator', 'policy-lint', 'policy-test', 'policy', 'role'].map(
        (name) => `schemas/${name}.json`,
      ),
    ])
    const texts = await Promise.all(paths.map((path) => readFile(join(dir, path), 'utf8')))
    expect(texts.join('')).not.toContain('a secret of zoe')
    for (const [i, path] of paths.entries()) {
      if (!path.endsWith('.yaml')) continue
      const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(texts[i] ?? '') ?? []
      const { kind } = parse(texts[i] ?? '') as { kind: string }
      const found = JSON.parse(await readFile(join(dir, path, '..', schema), 'utf8')) as { title: string }
      expect(found.title).toBe(`Gatehouse ${kind}`)
    }
  })

  it('writes over nothing that says something else, unless it is told to', async () => {
    const dir = join(documents.path, 'mine')
    await exportHere(dir)
    const file = join(dir, 'accounts', 'ORDERS.yaml')
    const whole = await readFile(file, 'utf8')
    await writeFile(file, '# mine\n')
    await writeFile(join(dir, 'policies', 'stranger.yaml'), 'kind: policy\nname: stranger\n')
    await expect(exportHere(dir)).rejects.toMatchObject({
      code: 'already_exists',
      message: `these files say something else, nothing was written: --force writes over them\n  ${file}`,
    })
    expect(await readFile(file, 'utf8')).toBe('# mine\n')
    expect(await exportHere(dir, { force: true })).toBe(
      `gatehouse: wrote 1 file\ngatehouse: ${join(dir, 'policies', 'stranger.yaml')} is not part of it: applying the folder declares that as well\n`,
    )
    expect(await readFile(file, 'utf8')).toBe(whole)
  })

  it('writes over no file of somebody else’s among the schemas', async () => {
    const dir = join(documents.path, 'with-schemas')
    const schemas = join(dir, 'schemas')
    await mkdir(schemas, { recursive: true })
    const file = join(schemas, 'policy.json')
    for (const theirs of ['{"$id":"urn:insurance:policy"}\n', '{}\n', 'not JSON\n']) {
      await writeFile(file, theirs)
      await expect(exportHere(dir)).rejects.toMatchObject({ code: 'already_exists' })
      expect(await readFile(file, 'utf8')).toBe(theirs)
    }
    await writeFile(file, '{"$id":"urn:gatehouse:document:policy","title":"of an older Gatehouse"}\n')
    await exportHere(dir)
    expect(await readFile(file, 'utf8')).toContain('Gatehouse policy')
  })

  it('tells of files that apply reads, and of no others', async () => {
    const dir = join(documents.path, 'strangers')
    await exportHere(dir)
    const policies = join(dir, 'policies')
    await mkdir(join(policies, '.drafts'))
    for (const name of [join('.drafts', 'a.yaml'), '.b.yaml', 'c.test.yaml', 'd.md', 'e.yml'])
      await writeFile(join(policies, name), 'kind: policy\nname: x\n')
    const told = await exportHere(dir)
    expect(told.match(/^gatehouse: .* is not part of it/gm)).toEqual([
      `gatehouse: ${join(policies, 'e.yml')} is not part of it`,
    ])
  })

  it('writes to a folder, and shows what it wrote in a way that there is', async () => {
    const file = await documents.write('file', '')
    for (const dir of [file, join(file, 'below')])
      await expect(exportHere(dir)).rejects.toMatchObject({
        code: 'invalid_configuration',
        message: `${dir} is no folder: name one to write to`,
      })
    const nowhere = join(documents.path, 'nowhere')
    await expect(exportHere(nowhere, { output: 'nonsense' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    expect(existsSync(nowhere)).toBe(false)
    const { shell, out } = listenedShell()
    await exportTo(nowhere, { ...documents.flags, output: 'yaml' }, shell)
    expect(parse(out())).toMatchObject({
      written: expect.arrayContaining(['accounts/ORDERS.yaml']) as string[],
    })
  })

  it.each([
    ['table', 'Nothing to do: all is as declared.\n'],
    ['json', '{\n  "changes": [],\n  "kept": []\n}\n'],
    ['yaml', 'changes: []\nkept: []\n'],
  ])('and plan, shown as %s', async (output, shown) => {
    const dir = join(documents.path, 'shown')
    await exportHere(dir, { force: true })
    expect(await documents.apply([dir], { dryRun: true, output })).toMatchObject({ out: shown })
    await expect(documents.apply([dir], { dryRun: true, output: 'text' })).rejects.toMatchObject({
      faults: [{ where: '--output', rule: 'must be table, json, yaml' }],
    })
  })
})
