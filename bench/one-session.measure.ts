import { afterAll, beforeAll, it } from 'vitest'
import { LoneClient, percentile } from './crowd.ts'
import { ms, openScene, print, until, type Scene } from './scene.ts'

// Question: how long after a changed mind was acknowledged does the one connection that it is about end, and how long
// until the client is back with what it may now? The floor is a KICK by hand, and a client that comes back from it.

const RUNS = 100

let scene: Scene
beforeAll(async () => {
  scene = await openScene(1)
})
afterAll(() => scene[Symbol.asyncDispose]())

it('one session', async () => {
  const { token } = await scene.user('one', ['developer'])
  const client = { closedMs: 0, admittedMs: 0, isWelcome: true }
  using lone = new LoneClient(scene.url, token, {
    closed: (atMs) => (client.closedMs = atMs),
    admitted: (atMs) => (client.admittedMs = atMs),
    mayReturn: () => client.isWelcome,
  })
  await until(() => lone.admissions === 1)
  const closed = { afterAck: [] as number[], afterSent: [] as number[] }
  const back = { afterAck: [] as number[], afterSent: [] as number[] }
  const floor = { closed: [] as number[], back: [] as number[] }

  for (let run = 0; run < RUNS; run += 1) {
    const before = lone.admissions
    const name = `one-${run % 2}`
    const subjects = { allow: [`orders.${name}.>`] }
    const changed = await scene.command('policy.update-permissions', {
      policy: 'developer',
      publish: subjects,
      subscribe: subjects,
    })
    await until(() => lone.admissions > before)
    closed.afterAck.push(Math.max(0, client.closedMs - changed.ackMs))
    closed.afterSent.push(client.closedMs - changed.sentMs)
    back.afterAck.push(Math.max(0, client.admittedMs - changed.ackMs))
    back.afterSent.push(client.admittedMs - changed.sentMs)
  }

  const { nc } = scene.cluster.gatehouse.connection
  for (let run = 0; run < RUNS; run += 1) {
    const before = lone.admissions
    const ours = [...scene.cluster.gatehouse.living.ledger.open].find((session) => session.name === 'one')
    const began = performance.now()
    await nc.request(`$SYS.REQ.SERVER.${ours?.server ?? ''}.KICK`, JSON.stringify({ cid: ours?.cid }))
    await until(() => lone.admissions > before)
    floor.closed.push(client.closedMs - began)
    floor.back.push(client.admittedMs - began)
    const { ledger } = scene.cluster.gatehouse.living
    await until(() => [...ledger.open].filter((session) => session.name === 'one').length === 1)
  }

  const row = (what: string, values: readonly number[]): readonly [string, string] => [
    what,
    `p50 ${ms(percentile(values, 50))}   p99 ${ms(percentile(values, 99))}`,
  ]
  print(`One session, ${RUNS} times`, [
    row('acknowledged → closed', closed.afterAck),
    row('sent → closed', closed.afterSent),
    row('floor: KICK by hand → closed', floor.closed),
    row('acknowledged → back with new permissions', back.afterAck),
    row('sent → back with new permissions', back.afterSent),
    row('floor: KICK by hand → back', floor.back),
  ])
})
