import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { outlet } from '../../src/cli/terminal.ts'

/** A pipe that holds little, and whose reader does what it is told to. */
function pipe(read: (done: (error?: Error) => void) => void) {
  const written: string[] = []
  const stream = new Writable({
    highWaterMark: 100,
    autoDestroy: false, // As process.stdout, which cannot be destroyed.
    write(bytes: Buffer, _, done) {
      written.push(bytes.toString())
      read(done)
    },
  })
  return { stream: Object.assign(stream, { isTTY: false }) as unknown as NodeJS.WriteStream, written }
}

const epipe = (): Error => Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })

describe('an outlet', () => {
  it('says everything to whoever reads', () => {
    const { stream, written } = pipe((done) => done())
    const out = outlet(stream)
    for (let n = 0; n < 100; n += 1) out.write(`line ${n}\n`)
    expect(written).toHaveLength(100)
  })

  it('drops what nobody reads, and goes on when somebody does', () => {
    const waiting: (() => void)[] = []
    const { stream, written } = pipe((done) => waiting.push(done))
    const out = outlet(stream)
    for (let n = 0; n < 10_000; n += 1) out.write('a line that nobody reads\n')
    expect(stream.writableLength).toBeLessThan(200)
    while (waiting.length > 0) waiting.shift()!()
    expect(written.length).toBeLessThan(10)
  })

  it('is silent once its reader has gone', async () => {
    const { stream, written } = pipe((done) => done(epipe()))
    const out = outlet(stream)
    out.write('one\n')
    await new Promise((resolve) => stream.once('error', resolve))
    out.write('two\n')
    expect(written).toEqual(['one\n'])
  })
})
