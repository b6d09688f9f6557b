import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCommandLine, json, type CommandLine } from '../support/command-line.ts'

const ALICE = 'alice@example.com'

let line: CommandLine
beforeAll(async () => {
  line = await openCommandLine()
})
afterAll(() => line[Symbol.asyncDispose]())

describe('gatehouse explain', () => {
  it('user: shows each entry beside what it comes from', async () => {
    const { code, out, err } = await line.admin(['explain', 'user', ALICE])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^alice@example\.com in ORDERS$/m)
    expect(out).toMatch(/^policies +base v1 \(default\), developer v1 \(user\)$/m)
    expect(out).toMatch(/^publish\n(?: {2}.*\n)*? {2}orders\.> +developer v1 \(user\) publish\.allow\[0\]$/m)
    expect(out).toMatch(/^ {2}not orders\.delete +developer v1/m)
    expect(out).toMatch(/_INBOX_\w+\.> +base v1 \(default\) inbox: _INBOX_\{\{user\.id\}\}\.>$/m)
  })

  it('token: reads it from a file, and never from the command line', async () => {
    const { token } = json(
      (await line.admin(['user', 'issue-token', 'ORDERS', ALICE, '--label', 'phone', '--json'])).out,
    )
    const file = join(line.folder.path, 'phone.token')
    await writeFile(file, `${String(token)}\n`)
    const { out } = await line.admin(['explain', 'token', '--secret-file', file])
    expect(out).toMatch(/^alice@example\.com in ORDERS, by token phone$/m)
    expect(await line.admin(['explain', 'token', String(token)])).toMatchObject({ code: 2 })
    expect(await line.admin(['explain', 'token'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--secret-file: is missing') as string,
    })
  })

  it('policy: shows its subjects and who has it', async () => {
    const { out } = await line.admin(['explain', 'policy', 'developer'])
    expect(out).toMatch(/^developer, version 1$/m)
    expect(out).toMatch(/^given to +1: ORDERS\/alice@example\.com$/m)
    expect(out).toMatch(/^ {2}not orders\.delete +publish\.deny\[0\]$/m)
  })

  it('decision: says what was decided then', async () => {
    const listed = json((await line.admin(['event', 'list', '--subject', 'user.logged_in', '--json'])).out)
    const [event] = listed['items'] as readonly [{ data: { decisionId: string; name: string } }]
    const { out } = await line.admin(['explain', 'decision', event.data.decisionId])
    expect(out).toMatch(new RegExp(`Z: ${event.data.name} in \\w+, admitted, from 127\\.0\\.0\\.1`))
    const gone = await line.admin(['explain', 'decision', `U${'A'.repeat(55)}`])
    expect(gone).toMatchObject({ code: 1, err: expect.stringContaining('not_found') as string })
  })
})

describe('gatehouse can', () => {
  it('says yes or no with the entry that decides, and says it to scripts', async () => {
    expect(await line.admin(['can', ALICE, 'publish', 'orders.new'])).toEqual({
      code: 0,
      out: 'yes: allowed by orders.> of policy "developer" (publish.allow[0])\n',
      err: '',
    })
    expect(await line.admin(['can', `ORDERS/${ALICE}`, 'publish', 'orders.delete'])).toEqual({
      code: 1,
      out: 'no: denied by orders.delete of policy "developer" (publish.deny[0])\n',
      err: '',
    })
    const queue = ['can', 'service-a', 'subscribe', 'events.new']
    expect(await line.admin([...queue, '--queue', 'workers'])).toMatchObject({ code: 0 })
    expect(await line.admin([...queue, '--json'])).toMatchObject({ code: 1 })
    expect(await line.admin(['can', ALICE, 'publish', 'orders.*'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('<subject>: must have no wildcards') as string,
    })
  })
})

describe('gatehouse who-can', () => {
  it('lists users by the policy that lets them, and counts', async () => {
    expect(await line.admin(['who-can', 'publish', 'orders.new'])).toEqual({
      code: 0,
      out: 'developer v1\n  ORDERS/alice@example.com  orders.> (user)\n',
      err: 'gatehouse: 1 by developer v1\n',
    })
    const asked = ['who-can', 'publish', 'auth.v1.whoami', '--account', 'ORDERS']
    const items = [{ policy: 'base', account: 'ORDERS', user: ALICE }]
    expect(json((await line.admin([...asked, '--json'])).out)).toMatchObject({ items, barred: 0 })
    const yaml = (await line.admin([...asked, '--output', 'yaml'])).out
    expect(yaml).toMatch(/^items:\n {2}- policy: base$/m)
    const nobody = ['who-can', 'publish', 'nothing.at.all']
    expect(json((await line.admin([...nobody, '--json'])).out)).toEqual({ items: [], barred: 0 })
    expect((await line.admin(nobody)).err).toBe('gatehouse: nobody can\n')
  })
})
