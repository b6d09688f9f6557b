import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Directory } from '../../src/callout/directory.ts'
import type { User } from '../../src/domain/user.ts'
import type { Seen } from '../../src/sessions/seen.ts'
import { directoryOf, type Records } from '../support/records.ts'
import type { Gate } from '../support/requests.ts'
import { openGateFor, storedPeople, tokens } from './people.ts'

let records: Records
let gate: Gate
beforeAll(async () => {
  records = await storedPeople()
  gate = await openGateFor(records)
})
afterAll(() => gate[Symbol.asyncDispose]())

/** A directory that changes after alice was found, and before what she gets is signed. */
function changing(change: (alice: User) => User | undefined): Directory {
  const alice = records.users.find(({ id }) => id === 'alice')!
  const before = directoryOf(records)
  let seen: Seen = { records: 1, users: 1 }
  return {
    ...before,
    get seen() {
      return seen
    },
    user: () => (seen.users === 1 ? alice : change(alice)),
    userByToken: async (hash) => {
      const found = await before.userByToken(hash)
      seen = { records: 1, users: 2 }
      return found
    },
  }
}

const outcome = async (directory: Directory): Promise<readonly string[]> => {
  const incoming = gate.server.ask({ connect: { auth_token: tokens['alice']! } })
  return (await gate.outcome(incoming, { directory })).counted
}

describe('a decision on a state that changes meanwhile', () => {
  it('is made anew', async () => {
    const lock = { reason: 'lost laptop', since: '2026-01-01T00:00:00.000Z' }
    expect(await outcome(changing((alice) => ({ ...alice, lock })))).toEqual(['denied user_locked'])
    expect(await outcome(changing((alice) => ({ ...alice, credentials: [] })))).toEqual([
      'denied unknown_credential',
    ])
    expect(await outcome(changing(() => undefined))).toEqual(['denied unknown_credential'])
    expect(await outcome(changing((alice) => alice))).toEqual(['admitted'])
  })

  it('is not made while memory is too old', async () => {
    const incoming = gate.server.ask({ connect: { auth_token: tokens['alice']! } })
    const { counted } = await gate.outcome(incoming, { isInTouch: () => Promise.resolve(false) })
    expect(counted).toEqual(['denied store_unavailable'])
  })
})
