import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SourceFile } from '../../src/admin/documents.ts'
import { watchSources } from '../../src/cli/watch-files.ts'
import { GatehouseError } from '../../src/errors.ts'
import { eventually } from '../support/eventually.ts'

let leaving: AbortController
beforeEach(() => {
  leaving = new AbortController()
})
afterEach(() => leaving.abort())

/** Files whose text is what the test says, and what became of them. */
function watched(apply: (text: string) => Promise<void> = () => Promise.resolve()) {
  const state = { text: 'one', reads: 0, applied: [] as string[], faults: [] as string[] }
  const over = watchSources({
    read: (): Promise<readonly SourceFile[]> => {
      state.reads += 1
      if (state.text === 'unreadable') return Promise.reject(new Error('cannot be read'))
      return Promise.resolve([{ path: 'a.yaml', text: state.text }])
    },
    apply: async ([source]) => {
      await apply(source?.text ?? '')
      state.applied.push(source?.text ?? '')
    },
    onFault: (error) => void state.faults.push((error as Error).message),
    signal: leaving.signal,
  })
  const readsMore = async (times: number): Promise<unknown> => {
    const from = state.reads
    return eventually(() => state.reads >= from + times)
  }
  return { state, over, readsMore }
}

describe('documents that are watched', () => {
  it('are applied at once, and again when they change, and not when they do not', async () => {
    const { state, over, readsMore } = watched()
    await eventually(() => state.applied.length === 1)
    await readsMore(2)
    state.text = 'two'
    await eventually(() => state.applied.length === 2)
    await readsMore(2)
    expect(state.applied).toEqual(['one', 'two'])
    leaving.abort()
    await over
  })

  it('are left alone while they are being written', async () => {
    const { state, readsMore } = watched()
    await eventually(() => state.applied.length === 1)
    for (const text of ['t', 'tw']) {
      state.text = text
      await readsMore(1)
    }
    state.text = 'two'
    await eventually(() => state.applied.includes('two'))
    expect(state.applied).toEqual(['one', 'two'])
  })

  it('are told of once where they have faults or cannot be read, and followed all the same', async () => {
    const { state, readsMore } = watched((text) =>
      text === 'bad' ? Promise.reject(new GatehouseError('invalid_document', 'bad')) : Promise.resolve(),
    )
    await eventually(() => state.applied.length === 1)
    for (const text of ['bad', 'unreadable']) {
      state.text = text
      const before = state.faults.length
      await eventually(() => state.faults.length > before)
      await readsMore(2)
    }
    state.text = 'good'
    await eventually(() => state.applied.includes('good'))
    expect(state.faults).toEqual(['bad', 'cannot be read'])
  })

  it('are applied when there is somebody to tell again', async () => {
    let isAway = true
    const { state } = watched(() =>
      isAway ? Promise.reject(new GatehouseError('unavailable', 'away')) : Promise.resolve(),
    )
    await eventually(() => state.faults.length === 1 && state.reads > 2)
    isAway = false
    await eventually(() => state.applied.length === 1)
    expect(state.faults).toEqual(['away'])
  })
})
