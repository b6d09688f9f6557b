import { afterAll, beforeAll, it } from 'vitest'
import { LoneClient } from './crowd.ts'
import { openScene, print, until, type Scene } from './scene.ts'

// Question: a policy of 10,000 sessions changes. How long until all of them are back with what they may now, was one of
// them forgotten, and was one kicked that it is not about?

const [USERS, PER_USER, BYSTANDERS] = [1_000, 10, 500]
/** Connecting at a time: a server that is asked for more at once keeps some waiting too long. */
const ARRIVING_MAX = 50

let scene: Scene
beforeAll(async () => {
  scene = await openScene(2)
})
afterAll(() => scene[Symbol.asyncDispose]())

it('ten thousand sessions of one policy', async () => {
  const rules = (name: string) => ({ publish: { allow: [`${name}.>`] }, subscribe: { allow: [`${name}.>`] } })
  await scene.command('policy.create', { name: 'crowd', ...rules('before') })
  await scene.command('policy.create', { name: 'bystander', ...rules('aside') })
  const [crowd, bystanders] = [[] as LoneClient[], [] as LoneClient[]]
  const admissions = (clients: readonly LoneClient[]): number =>
    clients.reduce((sum, each) => sum + each.admissions, 0)
  const arrive = async (clients: LoneClient[], token: string): Promise<void> => {
    await until(() => admissions(clients) > clients.length - ARRIVING_MAX)
    clients.push(new LoneClient(scene.url, token))
  }
  const names = Array.from({ length: USERS }, (_, n) => `crowd-${n}`)
  const tokens = new Map<string, string>()
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop())
        tokens.set(name, (await scene.user(name, ['crowd'])).token)
    }),
  )
  const { token: aside } = await scene.user('bystander', ['bystander'])
  for (let n = 0; n < BYSTANDERS; n += 1) await arrive(bystanders, aside)
  const began = performance.now()
  for (const token of tokens.values()) for (let n = 0; n < PER_USER; n += 1) await arrive(crowd, token)
  await until(() => admissions(crowd) === crowd.length)
  const connectedMs = performance.now() - began
  const { ledger } = scene.cluster.gatehouse.living
  await until(() => ledger.open.size >= crowd.length + bystanders.length)

  const { ackMs, reply } = await scene.command('policy.update-permissions', {
    policy: 'crowd',
    ...rules('after'),
  })
  await until(() => crowd.every((client) => client.admissions >= 2))
  const tookMs = performance.now() - ackMs
  await until(() => ledger.open.size >= crowd.length + bystanders.length)
  const stale = [...ledger.open].filter(
    ({ name, policies }) => name.startsWith('crowd') && policies.every(({ version }) => version === 1),
  )

  print(`${crowd.length} sessions of one policy, ${bystanders.length} of another`, [
    ['they connected at', `${Math.round((crowd.length / connectedMs) * 1_000)}/s`],
    ['in the reply', JSON.stringify(reply['connections'])],
    ['acknowledged → all back with the new permissions', `${(tookMs / 1_000).toFixed(1)} s`],
    ['wrongly kept', String(stale.length)],
    ['kicked more than once', String(crowd.filter(({ admissions }) => admissions > 2).length)],
    ['wrongly kicked', String(bystanders.filter(({ admissions }) => admissions > 1).length)],
  ])
  for (const each of [...crowd, ...bystanders]) each[Symbol.dispose]()
})
