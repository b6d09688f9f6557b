import { describe, expect, it } from 'vitest'
import { Pauses } from '../../src/nats/pauses.ts'

const FOR_EVER_MS = 2 ** 31 - 1

describe('a pause', () => {
  it('is over after its time', async () => {
    await new Pauses().wait(1)
  })

  it('is ended by its name, and the others are not', async () => {
    const pauses = new Pauses()
    let isOtherOver = false
    const other = pauses.wait(FOR_EVER_MS, 'other').then(() => (isOtherOver = true))
    const one = pauses.wait(FOR_EVER_MS, 'one')
    pauses.end('one')
    await one
    expect(isOtherOver).toBe(false)
    pauses.end('other')
    await other
  })

  it('is ended with all others, and there is none any more', async () => {
    const pauses = new Pauses()
    const all = Array.from({ length: 100 }, (_, i) => pauses.wait(FOR_EVER_MS, i === 0 ? 'one' : undefined))
    expect(pauses.areOver).toBe(false)
    pauses.endAll()
    await Promise.all(all)
    expect(pauses.areOver).toBe(true)
    await pauses.wait(FOR_EVER_MS)
  })
})
