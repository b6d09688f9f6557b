import { afterAll, beforeAll, it } from 'vitest'
import { LoneClient, percentile } from './crowd.ts'
import { ms, openScene, print, until, type Scene } from './scene.ts'

// Question: three replicas, and clients that come in through all of them all the time. How long after a revocation was
// acknowledged does the last replica know of it, and does anybody get in after it?

const [RUNS, CLIENTS] = [50, 30]

let scene: Scene
beforeAll(async () => {
  scene = await openScene(3)
})
afterAll(() => scene[Symbol.asyncDispose]())

it('revocation over three replicas', async () => {
  const windows: number[] = []
  const lastAdmissions: number[] = []
  let late = 0
  let cut = 0
  for (let run = 0; run < RUNS; run += 1) {
    const name = `revoked-${run}`
    const { token, credential } = await scene.user(name, ['developer'])
    const admitted: number[] = []
    let isOver = false
    let closed = 0
    const clients = Array.from(
      { length: CLIENTS },
      () =>
        new LoneClient(scene.url, token, {
          admitted: (atMs) => admitted.push(atMs),
          closed: () => (closed += 1),
          mayReturn: () => !isOver,
        }),
    )
    await until(() => admitted.length >= CLIENTS)

    const knew = scene.cluster.replicas.map(({ gatehouse }) => {
      const at = { ms: 0 }
      gatehouse.directory.onChange((key) => {
        if (key.startsWith('user.')) at.ms = performance.now()
      })
      return at
    })
    const revoked = await scene.command('user.revoke-credential', {
      account: 'ORDERS',
      user: name,
      credential,
    })
    await until(() => closed === CLIENTS)
    isOver = true
    cut += closed
    windows.push(Math.max(...knew.map((at) => at.ms)) - revoked.ackMs)
    lastAdmissions.push(Math.max(...admitted) - revoked.ackMs)
    late += admitted.filter((atMs) => atMs > revoked.ackMs).length
    for (const each of clients) each[Symbol.dispose]()
  }
  print(`${RUNS} revocations, ${CLIENTS} connections each, three replicas`, [
    ['acknowledged → the last replica knows, p50', ms(percentile(windows, 50))],
    ['acknowledged → the last replica knows, the longest', ms(Math.max(...windows))],
    ['(below zero: before the acknowledgement)', ''],
    ['got in after the acknowledgement', String(late)],
    ['connections ended', `${cut} of ${RUNS * CLIENTS}`],
  ])
})
