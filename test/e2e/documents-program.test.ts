import { writeFile } from 'node:fs/promises'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApplying, type Applying } from '../support/applying.ts'
import { command } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { gatehouse, type Finished } from '../support/up.ts'
import { openWorld, PROJECT, type World } from '../support/world.ts'

let world: World
let admin: NatsConnection
let documents: Applying
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
  documents = await openApplying(world)
  await using built = gatehouse(['--version'])
  await built.finished // Where nothing is built yet the first one builds, and says so.
}, 120_000)
afterAll(async () => {
  await documents[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

async function run(...args: readonly string[]): Promise<Finished> {
  await using started = gatehouse([...args, ...documents.args])
  return await started.finished
}

async function descriptionOf(policy: string): Promise<unknown> {
  const { policy: found } = await command(admin, 'policy.get', { policy })
  return (found as { description?: string }).description
}

async function users(account: string): Promise<number> {
  const { items } = await command(admin, 'user.list', { account, limit: 500 })
  return (items as unknown[]).length
}

const policy = (description: string): string => `kind: policy\nname: watched\ndescription: ${description}\n`

describe('the program', () => {
  it('ends with 0 when there is nothing to do, 2 when something would change, 1 when it failed', async () => {
    const file = await documents.write('d.yaml', 'kind: policy\nname: program\n')
    const bad = await documents.write('bad.yaml', 'kind: policy\nname: 5\n')
    expect(await run('plan', PROJECT)).toMatchObject({
      code: 0,
      out: 'Nothing to do: all is as declared.\n',
      err: '',
    })
    expect(await run('plan', file)).toMatchObject({
      code: 2,
      out: '+ create policy program\n\n1 to create.\n\nNobody gains or loses anything.\n',
    })
    expect(await run('apply', '--dry-run', '--json', file)).toMatchObject({ code: 2, err: '' })
    expect(await run('plan', bad)).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(
        /the documents have faults[^\n]*\n {2}\S+bad\.yaml:2:1 name: must be text[^\n]*\n$/,
      ) as string,
    })
    expect(await run('plan', '--bogus', file)).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('--bogus') as string,
    })
    expect(await run('plan', 'nowhere')).toMatchObject({
      code: 1,
      err: expect.stringContaining('nowhere cannot be read') as string,
    })
    expect(await run('apply', file)).toMatchObject({ code: 0 })
    expect(await run('plan', file)).toMatchObject({ code: 0 })
  }, 60_000)

  it('that is killed in the middle is completed by the next one', async () => {
    const names = Array.from({ length: 150 }, (_, n) => `  - { name: u${n}, metadata: { n: "${n}" } }`)
    const file = await documents.write('k.yaml', `kind: account\nname: KILLED\nusers:\n${names.join('\n')}\n`)
    await using started = gatehouse(['apply', file, ...documents.args])
    await eventually(async () => (await users('KILLED').catch(() => 0)) > 20, 30_000)
    started.child.kill('SIGKILL')
    await started.finished
    const made = await users('KILLED')
    expect(made).toBeLessThan(150)
    const rest = await run('apply', file)
    expect(rest.code).toBe(0)
    expect(rest.out).toContain(`${150 - made} to create.`)
    expect(await users('KILLED')).toBe(150)
    expect(await run('plan', file)).toMatchObject({ code: 0 })
  }, 60_000)

  it('that watches applies what changes, tells faults, keeps what was, and ends on SIGINT', async () => {
    const file = await documents.write('w.yaml', policy('first'))
    await using started = gatehouse(['apply', '--watch', file, ...documents.args])
    const becomes = (description: string) =>
      eventually(async () => (await descriptionOf('watched').catch(() => '')) === description, 30_000)
    await becomes('first')
    await writeFile(file, policy('second'))
    await becomes('second')
    await writeFile(file, `${policy('third')}colour: blue\n`)
    await eventually(() => started.err().includes('colour: is not a field that is known here'), 30_000)
    expect(await descriptionOf('watched')).toBe('second')
    await writeFile(file, policy('fourth'))
    await becomes('fourth')
    started.child.kill('SIGINT')
    expect(await started.finished).toMatchObject({ code: 0 })
  }, 90_000)

  it('takes documents from standard input', async () => {
    await using started = gatehouse(['plan', '-', ...documents.args])
    expect(await started.finished).toMatchObject({
      code: 1,
      err: expect.stringContaining('declares nothing') as string,
    })
  }, 30_000)
})
