import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCommandLine, json, type CommandLine } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { gatehouse, run, type Run } from '../support/up.ts'

let line: CommandLine
beforeAll(async () => {
  line = await openCommandLine()
})
afterAll(() => line[Symbol.asyncDispose]())

function tail(...args: readonly string[]): Run {
  const { world, tokenFile, config } = line
  const where = ['--server', world.server.url, '--token-file', tokenFile]
  return gatehouse(['events', 'tail', ...args, ...where], { env: { XDG_CONFIG_HOME: config } })
}

/** Names of the users that lines of JSON are about. */
function names(started: Run): readonly string[] {
  return started
    .out()
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => String((json(text)['data'] as { name: unknown }).name))
}

async function create(name: string): Promise<void> {
  const nc = await line.world.connectAs('admin')
  await nc.request('auth.v1.user.create', JSON.stringify({ account: 'ORDERS', name }), { timeout: 10_000 })
  await nc.close()
}

describe('gatehouse events tail', () => {
  it('tells what was and what comes, each once and in order', async () => {
    const made = Array.from({ length: 30 }, (_, n) => `told-${n}`)
    for (const name of made.slice(0, 10)) await create(name)
    await using started = tail(
      '--since',
      '1h',
      '--account',
      'ORDERS',
      '--subject',
      'user.registered',
      '--json',
    )
    await eventually(() => names(started).includes('told-9'))
    for (const name of made.slice(10)) await create(name)
    await eventually(() => names(started).includes('told-29'))
    expect(names(started).filter((name) => name.startsWith('told-'))).toEqual(made)
    started.child.kill('SIGINT')
    expect(await started.finished).toMatchObject({ code: 0, err: '' })
  })

  it('begins with what comes, and tells it to people', async () => {
    await create('before')
    await using started = tail('--subject', 'user.registered')
    // It says nothing when it is there: until it does, there is one event more each time.
    let n = 0
    await eventually(async () => {
      await create(`live-${(n += 1)}`)
      return started.out().includes('live-')
    })
    expect(started.out()).not.toContain('name before')
    expect(started.out()).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\dZ {2}user\.registered +admin +.*name live-\d+/m)
  })

  it('ends when nobody reads any more', async () => {
    const { world, tokenFile } = line
    await create('read')
    const program = `exec node bin/gatehouse.mjs events tail --since 1h --server "$1" --token-file "$2"`
    await using shell = run(
      ['bash', '-c', `(${program}) | head -n 1`, 'bash', world.server.url, tokenFile],
      {},
    )
    await eventually(() => shell.out() !== '')
    let n = 0
    await eventually(async () => {
      await create(`unread-${(n += 1)}`)
      return shell.child.exitCode !== null
    })
    expect(await shell.finished).toMatchObject({ code: 0, err: '' })
  })

  it('names the flag that is wrong', async () => {
    await using never = tail('--since', 'yesterday')
    expect(await never.finished).toMatchObject({ code: 2, out: '' })
    expect(never.err()).toContain('--since: must be a duration')
    await using neither = tail('--subject', 'a.b.c')
    expect(await neither.finished).toMatchObject({ code: 2, out: '' })
    expect(neither.err()).toContain('--subject: must be')
  })

  it('ends at once with a token that opens nothing', async () => {
    const file = join(line.folder.path, 'wrong.token')
    await writeFile(file, 'guess')
    const args = ['events', 'tail', '--server', line.world.server.url, '--token-file', file]
    expect(await line.bare(args)).toMatchObject({ code: 1, out: '' })
  })
})

describe('gatehouse event list', () => {
  it('shows events as people read them', async () => {
    await create('listed')
    const args = ['event', 'list', '--account', 'ORDERS', '--subject', 'user.registered']
    await eventually(async () => (await line.admin(args)).out.includes('name listed'))
    const { out } = await line.admin(args)
    expect(out).toMatch(/^SEQUENCE +TIME +EVENT +BY +SAYS$/m)
  })
})
