import { describe, expect, it } from 'vitest'
import { Turns } from '../../src/nats/turns.ts'

describe('turns', () => {
  it('are so many at a time, and in order', async () => {
    const turns = new Turns({ atOnce: 2, waitingMax: 10 })
    let [running, most] = [0, 0]
    const order: number[] = []
    const work = async (n: number): Promise<void> => {
      using _turn = await turns.take()
      running += 1
      most = Math.max(most, running)
      order.push(n)
      await new Promise(setImmediate)
      running -= 1
    }
    await Promise.all([0, 1, 2, 3, 4, 5, 6].map(work))
    expect(most).toBe(2)
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  it('are refused where the line is full, and had again later, also after a failure', async () => {
    const turns = new Turns({ atOnce: 1, waitingMax: 1 })
    const first = await turns.take()
    const second = turns.take()
    await expect(turns.take()).rejects.toMatchObject({ code: 'busy' })
    first[Symbol.dispose]()
    const failing = async (): Promise<void> => {
      using _turn = await second
      throw new Error('broken')
    }
    await expect(failing()).rejects.toThrow('broken')
    using _turn = await turns.take()
  })
})
