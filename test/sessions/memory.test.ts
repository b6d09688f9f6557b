import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { Interning } from '../../src/sessions/interning.ts'
import { Ledger } from '../../src/sessions/ledger.ts'
import type { Session } from '../../src/sessions/session.ts'
import { aSession } from './sessions.ts'

const SESSIONS = 100_000
/** Bytes. */
const EACH_MAX = 2_500

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function usedHeap(): number {
  collect()
  return process.memoryUsage().heapUsed
}

/** As it comes from the bucket: every text anew. */
function read(n: number): Session {
  const session = aSession({
    cid: n,
    user: `01K9ZC3B1W7X1V9N3KJ3${n}`,
    name: `user-${n}@example.com`,
    credential: `01K9ZC6WDCB1QZ1MV3Y8${n}`,
    decision: `UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7${n}`,
    grantHash: 'a'.repeat(64),
    permissionsHash: 'b'.repeat(64),
    policies: Array.from({ length: 4 }, (_, each) => ({ id: `01K9ZC6${each}`, version: 1, via: 'role' })),
  })
  return JSON.parse(JSON.stringify(session)) as Session
}

it(`holds ${SESSIONS} sessions of as many users in bounded memory`, () => {
  const before = usedHeap()
  const shelf = { put: () => undefined, remove: () => undefined }
  const ledger = new Ledger({ shelf, owns: () => true, nowMs: () => 0 })
  const interning = new Interning()
  for (let n = 0; n < SESSIONS; n += 1) ledger.stored(interning.of(read(n)), 'start')
  const each = (usedHeap() - before) / SESSIONS
  expect(ledger.open.size).toBe(SESSIONS)
  expect(each).toBeLessThan(EACH_MAX)
})
