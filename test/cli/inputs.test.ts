import { PassThrough } from 'node:stream'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openInputs, type Inputs } from '../../src/cli/inputs.ts'
import type { Outlet } from '../../src/cli/terminal.ts'
import { temporaryFolder } from '../support/programs.ts'

interface Keyboard {
  readonly inputs: Inputs
  readonly shown: () => string
  readonly raw: boolean[]
  /** What was on the screen when the terminal stopped showing what is typed. */
  readonly shownBefore: string[]
  readonly press: (keys: string) => void
}

/** A terminal on which nobody has typed yet. */
function keyboard(isTTY = true): Keyboard {
  const stream = new PassThrough()
  const raw: boolean[] = []
  const shownBefore: string[] = []
  let text = ''
  const stdin = Object.assign(stream, {
    isTTY,
    setRawMode(mode: boolean) {
      raw.push(mode)
      if (mode) shownBefore.push(text)
      return stdin
    },
  }) as unknown as NodeJS.ReadStream
  const err: Outlet = { isTTY, hasColors: false, write: (more) => (text += more) }
  return {
    inputs: openInputs(stdin, err),
    shown: () => text,
    raw,
    shownBefore,
    press: (keys) => stream.write(keys),
  }
}

describe('a prompt', () => {
  it('asks twice, and shows nothing of what is typed', async () => {
    const { inputs, shown, raw, press } = keyboard()
    const asked = inputs.ask('Password')
    press('s3crxx\u007f\u007fet\r')
    press('wrong\u0015s3cret\r')
    expect(await asked).toBe('s3cret')
    expect(shown()).toBe('Password: \nPassword again: \n')
    expect(raw).toEqual([true, false, true, false])
  })

  it('does not ask before the terminal has stopped showing', async () => {
    const { inputs, shownBefore, press } = keyboard()
    const asked = inputs.ask('Password')
    press('s3cret\rs3cret\r')
    await asked
    expect(shownBefore).toEqual(['', 'Password: \n'])
  })

  it('takes both lines when they are pasted at once', async () => {
    const { inputs, press } = keyboard()
    const asked = inputs.ask('Password')
    press('s3cret\ns3cret\n')
    expect(await asked).toBe('s3cret')
  })

  it('takes nothing that differs', async () => {
    const { inputs, press } = keyboard()
    const asked = inputs.ask('Password')
    press('one\rtwo\r')
    await expect(asked).rejects.toMatchObject({ code: 'invalid_request' })
  })

  it.each(['\u0003', '\u0004'])('ends with %j, and leaves the terminal as it was', async (key) => {
    const { inputs, raw, press } = keyboard()
    const asked = inputs.ask('Password')
    press(`half${key}`)
    await expect(asked).rejects.toMatchObject({ code: 'invalid_request' })
    expect(raw).toEqual([true, false])
  })

  it('is not for who is no person', async () => {
    expect(await keyboard(false).inputs.ask('Password')).toBeUndefined()
  })
})

describe('a secret', () => {
  it('is a file without the newline at its end, and nothing else is taken off', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'secret')
    const { inputs } = keyboard(false)
    await writeFile(file, ' two words \r\n')
    expect(await inputs.secret(file)).toBe(' two words ')
    await writeFile(file, '\n')
    await expect(inputs.secret(file)).rejects.toThrow(`${file} is empty`)
    await expect(inputs.secret(folder.path)).rejects.toThrow('cannot be read (EISDIR)')
    await expect(inputs.secret(join(file, 'x'))).rejects.toMatchObject({ code: 'invalid_configuration' })
  })

  it('comes from standard input once', async () => {
    const stdin = new PassThrough() as unknown as NodeJS.ReadStream
    const inputs = openInputs(stdin, { isTTY: false, hasColors: false, write: () => undefined })
    ;(stdin as unknown as PassThrough).end('s3cret\n')
    expect(await inputs.secret('-')).toBe('s3cret')
    await expect(inputs.text('-')).rejects.toThrow('only one flag can read standard input')
  })
})
