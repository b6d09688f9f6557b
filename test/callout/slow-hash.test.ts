import { expect, it } from 'vitest'
import { openGateFor, PASSWORD, passwords, storedPeople } from './people.ts'

it('a slow hash that eats up the time is not answered: who asked is gone', async () => {
  await using gate = await openGateFor(await storedPeople())
  let nowMs = gate.callout.nowMs()
  const slow = {
    verify: async (phc: string, password: string) => {
      const verdict = await passwords.verify(phc, password)
      nowMs += 60_000
      return verdict
    },
    verifyAbsent: (password: string) => passwords.verifyAbsent(password),
  }
  const request = gate.server.ask({ connect: { user: 'alice', pass: PASSWORD } })
  const { counted: counts } = await gate.outcome(request, { passwords: slow, nowMs: () => nowMs })
  expect(counts).toEqual(['dropped expired'])
})
