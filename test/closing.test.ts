import { describe, expect, it } from 'vitest'
import { closeAll } from '../src/closing.ts'

/** Notes that it was asked to close, and does then what it is given to do. */
function closing(name: string, order: string[], act: () => Promise<void>): AsyncDisposable {
  return {
    [Symbol.asyncDispose]() {
      order.push(name)
      return act()
    },
  }
}

const done = (): Promise<void> => Promise.resolve()
const never = (): Promise<void> => new Promise(() => undefined)

describe('closing all', () => {
  it('begins with the newest, and does not stop at what fails', async () => {
    const order: string[] = []
    const errors: unknown[] = []
    const failing = (): Promise<void> => Promise.reject(new Error('rejected'))
    const throwing = (): never => {
      throw new Error('thrown')
    }
    const opened = [
      closing('first', order, done),
      closing('rejects', order, failing),
      closing('throws', order, throwing),
      closing('last', order, done),
    ]
    await closeAll(opened, { waitMsMax: 60_000, onError: (error) => errors.push(error) })
    expect(order).toEqual(['last', 'throws', 'rejects', 'first'])
    expect(errors).toEqual([new Error('thrown'), new Error('rejected')])
  })

  it('waits so long and no longer, for all of them together', async () => {
    const order: string[] = []
    const opened = ['c', 'b', 'a'].map((name) => closing(name, order, never))
    await closeAll(opened, { waitMsMax: 20, onError: () => undefined })
    expect(order).toEqual(['a', 'b', 'c'])
  })
})
