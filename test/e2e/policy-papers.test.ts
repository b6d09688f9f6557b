import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { json, openCommandLine, type CommandLine } from '../support/command-line.ts'
import { PROJECT } from '../support/world.ts'

let line: CommandLine
beforeAll(async () => {
  line = await openCommandLine()
})
afterAll(async () => {
  await line[Symbol.asyncDispose]()
})

async function write(path: string, text: string): Promise<string> {
  const file = join(line.folder.path, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  return file
}

const POLICY = (subject: string): string => `kind: policy\nname: p\npublish: { allow: [${subject}] }\n`
const TEST = `kind: policy-test
cases:
  - name: it may
    user: { policies: [p], account: { defaultPolicy: null } }
    publish: { allowed: [a], denied: [b] }
`

describe('gatehouse policy test', () => {
  it('ends with 0 when all is as expected, 1 when not, 2 when it was used wrongly', async () => {
    const good = await line.bare(['policy', 'test', PROJECT])
    expect(good).toMatchObject({ code: 0, err: '' })
    expect(good.out).toMatch(
      /developer\.test\.yaml\n {2}ok {4}a developer works .*cases, all as expected\.\n$/s,
    )

    const file = await write('bad/policies/p.yaml', POLICY('b'))
    await write('bad/policies/p.test.yaml', TEST)
    const report = join(line.folder.path, 'report.xml')
    const folder = dirname(dirname(file))
    const bad = await line.bare(['policy', 'test', folder, '--junit', report])
    expect(bad).toMatchObject({ code: 1, err: '' })
    expect(bad.out).toContain('p.test.yaml:5:26: publish a: expected allowed, denied: no policy allows it\n')
    expect(bad.out).toContain(`denied, allowed by publish.allow[0] "b" of policy p (${file}:3:20)\n`)
    expect(await readFile(report, 'utf8')).toContain('tests="1" failures="1"')
    const told = json((await line.bare(['policy', 'test', folder, '--json'])).out)
    expect(told).toMatchObject({ ok: false, cases: [{ name: 'it may', failures: [{}, {}] }] })

    await write('bad/policies/p.test.yaml', TEST.replace('[p]', '[q]'))
    const faulty = await line.bare(['policy', 'test', folder])
    expect(faulty).toMatchObject({ code: 2, out: '' })
    expect(faulty.err).toContain('p.test.yaml:4:24 cases[0].user.policies[0]: there is no policy "q"\n')
    const none = await line.bare(['policy', 'test', file])
    expect(none).toMatchObject({ code: 2, out: '' })
    expect(none.err).toContain('there are no tests')
  })
})

describe('a folder that declares no policy base', () => {
  it('has the shipped one, as the account that says nothing of its default', async () => {
    const test = (account: string): string => `kind: policy-test
cases:
  - name: it asks who it is, too
    user: ${account}
    publish: { allowed: [a, auth.v1.whoami] }
`
    await write('own/policies/p.yaml', POLICY('a'))
    await write('own/policies/p.test.yaml', test('u of A'))
    await write('own/policies/q.test.yaml', test('{ policies: [p] }'))
    await write('own/accounts/a.yaml', 'kind: account\nname: A\nusers: [{ name: u, policies: [p] }]\n')
    await write(
      'own/accounts/b.yaml',
      'kind: account\nname: B\ndefaultPolicy: null\nusers: [{ name: u, policies: [p] }]\n',
    )
    const own = join(line.folder.path, 'own')
    expect(await line.bare(['policy', 'test', own])).toMatchObject({ code: 0, err: '' })
    const found = await line.bare(['policy', 'lint', own])
    expect(found).toEqual({ code: 0, err: '', out: '0 errors, 0 warnings, 0 accepted.\n' })
    const same = await line.bare(['policy', 'diff', own, own])
    expect(same).toMatchObject({
      code: 0,
      out: expect.stringContaining('The policies say the same.') as string,
    })

    await write('own/accounts/a.yaml', 'kind: account\nname: A\ndefaultPolicy: bass\n')
    const typo = await line.bare(['policy', 'lint', own])
    expect(typo).toMatchObject({
      code: 2,
      err: expect.stringContaining('there is no policy "bass"') as string,
    })
  })

  it('has its own where it declares one', async () => {
    await write('based/policies/base.yaml', 'kind: policy\nname: base\npublish: { allow: [b] }\n')
    const text =
      'kind: policy-test\ncases:\n  - name: it\n    user: {}\n    publish: { allowed: [b], denied: [auth.v1.whoami] }\n'
    await write('based/policies/base.test.yaml', text)
    const based = join(line.folder.path, 'based')
    expect(await line.bare(['policy', 'test', based])).toMatchObject({ code: 0, err: '' })
  })
})

describe('gatehouse policy lint', () => {
  it('ends with 0, or with 1 for errors and too many warnings', async () => {
    expect(await line.bare(['policy', 'lint', PROJECT, '--max-warnings', '0'])).toMatchObject({
      code: 0,
      err: '',
    })

    const file = await write('warn/p.yaml', POLICY('a, a'))
    const warned = await line.bare(['policy', 'lint', file])
    const message =
      'publish.allow[1] "a" says nothing new: publish.allow[0] "a" covers it; remove it (shadowed)'
    expect(warned).toMatchObject({
      code: 0,
      out: `${file}:3:23: warning: ${message}\n\n0 errors, 1 warning, 0 accepted.\n`,
    })
    const tooMany = await line.bare(['policy', 'lint', file, '--max-warnings', '0'])
    expect(tooMany.code).toBe(1)
    expect(tooMany.out).toMatch(/accepted\.\n1 warning, more than the 0 that are allowed\.\n$/)
    expect(await line.bare(['policy', 'lint', file, '--max-warnings', 'few'])).toMatchObject({ code: 2 })

    const broad = await write('broad/p.yaml', POLICY("'>'"))
    const failed = await line.bare(['policy', 'lint', broad, '--json'])
    expect(failed.code).toBe(1)
    expect(json(failed.out)).toMatchObject({
      ok: false,
      errors: 1,
      findings: [{ rule: 'too-broad', policy: 'p' }],
    })
  })

  it('looks at the running system with --live', async () => {
    await line.admin(['policy', 'create', 'wide', '--publish-allow', '>'])
    const found = await line.admin(['policy', 'lint', join(PROJECT, 'policies'), '--live'])
    expect(found.code).toBe(1)
    expect(found.out).toContain('policy wide publish.allow[0]: error: publish ">" allows everything')
    expect(found.out).toContain('policy wide: warning: no user, role or account has it: give')
    expect(found.out).toMatch(/1 error, 1 warning, 3 accepted\.\n$/)
    await line.admin(['policy', 'delete', 'wide'])
  })
})

describe('gatehouse policy diff', () => {
  const gain = '1 user of ORDERS gains publish orders.delete: alice@example.com\n'

  it('says who gains by another version, and how many live sessions that concerns', async () => {
    const update = [
      'policy',
      'update-permissions',
      'developer',
      '--publish-allow',
      'orders.>',
      '--publish-allow',
      'inventory.>',
    ]
    await line.admin([...update, '--subscribe-allow', 'orders.>', '--subscribe-allow', 'inventory.>'])
    await line.world.connectAs('alice@example.com') // After that: it ends whoever was let in with the policy before.
    const changed = await line.admin(['policy', 'diff', 'developer@1', 'developer'])
    expect(changed).toMatchObject({
      code: 0,
      err: '',
      out: `policy developer\n  - publish deny orders.delete\n\n${gain}That concerns 1 live session.\n`,
    })
    const sample = join(PROJECT, 'policies', 'developer.yaml')
    const back = await line.admin(['policy', 'diff', 'developer', sample, '--json'])
    expect(json(back.out)).toMatchObject({
      policies: [{ policy: 'developer', added: ['publish deny orders.delete'], removed: [] }],
      review: { gains: [], losses: [{ publish: ['orders.delete'], count: 1 }], affected: 1, sessions: 1 },
    })
    expect((await line.admin(['policy', 'diff', sample, 'developer', '--names', '0'])).out).toContain(
      '1 user of ORDERS gains publish orders.delete\n',
    )
  })

  it('holds folders against each other without a server, and files with nobody in them', async () => {
    const account = 'kind: account\nname: A\ndefaultPolicy: null\nusers: [{ name: u, policies: [p] }]\n'
    for (const [folder, subject] of [
      ['old', 'a'],
      ['new', 'b'],
    ] as const) {
      await write(`${folder}/p.yaml`, POLICY(subject))
      await write(`${folder}/a.yaml`, account)
    }
    const [old, now] = ['old', 'new'].map((name) => join(line.folder.path, name)) as [string, string]
    const lines = 'policy p\n  + publish allow b\n  - publish allow a\n'
    const who = '1 user of A gains publish b: u\n1 user of A loses publish a: u\n'
    expect(await line.bare(['policy', 'diff', old, now])).toMatchObject({
      code: 0,
      out: `${lines}\n${who}`,
    })
    const files = [join(old, 'p.yaml'), join(now, 'p.yaml')]
    expect(await line.bare(['policy', 'diff', ...files])).toMatchObject({ code: 0, out: lines })
    expect(await line.bare(['policy', 'diff', old, old])).toMatchObject({
      out: 'The policies say the same.\n\nNobody gains or loses anything.\n',
    })
    expect(await line.bare(['policy', 'diff', old, join(now, 'p.yaml')])).toMatchObject({ code: 2 })
    expect(await line.bare(['policy', 'diff', old, join(now, 'q.yaml')])).toMatchObject({ code: 2 })
  })

  it.each([
    ['nobody', 'there is no policy "nobody"'],
    ['developer@99', 'policy "developer" has no version 99'],
  ])('says that %s is not there', async (name, message) => {
    const missing = await line.admin(['policy', 'diff', 'developer', name])
    expect(missing).toMatchObject({ code: 1, out: '' })
    expect(missing.err).toContain(message)
  })
})
