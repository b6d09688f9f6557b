import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDataDir, readJsonFile, writeAtomically } from '../../src/nats/data-dir.ts'
import { processIdentity, processNote } from '../../src/nats/process-identity.ts'
import { temporaryFolder } from '../support/programs.ts'

const LOCK = 'gatehouse.pid'
const inUse: unknown = expect.objectContaining({ code: 'in_use' })

async function mode(file: string): Promise<string> {
  return ((await stat(file)).mode & 0o777).toString(8)
}

/** Another process that lives until the scope ends. */
async function otherProcess(): Promise<AsyncDisposable & { readonly pid: number; end(): Promise<void> }> {
  const child: ChildProcess = spawn('sleep', ['600'], { stdio: 'ignore' })
  await once(child, 'spawn')
  const exited = once(child, 'exit')
  const end = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  return { pid: child.pid!, end, [Symbol.asyncDispose]: end }
}

describe('a data directory', () => {
  it('is made for its owner alone, and given back clean', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a', 'b')
    {
      await using dir = await openDataDir(path)
      expect(dir.file('x')).toBe(join(path, 'x'))
      expect(await mode(path)).toBe('700')
      expect(await readFile(join(path, LOCK), 'utf8')).toBe(await processNote(process.pid))
      expect(await mode(join(path, LOCK))).toBe('600')
    }
    expect(await readdir(path)).toEqual([])
  })

  it('that was there keeps its mode', async () => {
    await using folder = await temporaryFolder()
    await chmod(folder.path, 0o755)
    await using _dir = await openDataDir(folder.path)
    expect(await mode(folder.path)).toBe('755')
  })

  it('may hold things of others, such as the log somebody sends our output to', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'thesis.txt'), 'years of work')
    {
      await using _dir = await openDataDir(folder.path)
    }
    expect(await readdir(folder.path)).toEqual(['thesis.txt'])
    expect(await readFile(join(folder.path, 'thesis.txt'), 'utf8')).toBe('years of work')
  })

  it('cannot be a file', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'file')
    await writeFile(path, '')
    await expect(openDataDir(path)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining(`${path} cannot be the data directory`) as string,
    })
  })

  it('belongs to one at a time', async () => {
    await using folder = await temporaryFolder()
    {
      await using _dir = await openDataDir(folder.path)
      await expect(openDataDir(folder.path)).rejects.toEqual(inUse)
      expect(await readdir(folder.path)).toEqual([LOCK])
    }
    await using _again = await openDataDir(folder.path)
  })

  it('of another process that runs is refused with its pid, and taken over once that is gone', async () => {
    await using folder = await temporaryFolder()
    await using other = await otherProcess()
    await writeFile(join(folder.path, LOCK), await processNote(other.pid))

    await expect(openDataDir(folder.path)).rejects.toThrow(`(pid ${other.pid})`)

    await other.end()
    await using _dir = await openDataDir(folder.path)
    expect(await readFile(join(folder.path, LOCK), 'utf8')).toBe(await processNote(process.pid))
  })

  it('is taken over when the pid means another process by now', async () => {
    await using folder = await temporaryFolder()
    await using other = await otherProcess()
    const identity = (await processIdentity(other.pid))!
    const earlier = identity.replace(/\d+$/, (ticks) => String(Number(ticks) - 1))
    expect(earlier).not.toBe(identity)
    await writeFile(join(folder.path, LOCK), `${other.pid} ${earlier}`)
    await using _dir = await openDataDir(folder.path)
  })

  it.each(['', 'nonsense', '1', '-1 x', '99999999 x'])('with the lock %j is taken over', async (note) => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, LOCK), note)
    await using _dir = await openDataDir(folder.path)
  })

  it.each([
    ['a fresh directory', undefined],
    ['what a killed one left behind', '99999999 long gone'],
  ])('is won by one of twenty who want %s', async (_, left) => {
    await using folder = await temporaryFolder()
    if (left !== undefined) await writeFile(join(folder.path, LOCK), left)
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => openDataDir(folder.path)))
    const won = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    expect(won).toHaveLength(1)
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toEqual(inUse)
    expect(await readdir(folder.path)).toEqual([LOCK])
    await won[0]!.value[Symbol.asyncDispose]()
  })
})

describe('a file written atomically', () => {
  it('is whole, its owner’s alone, and leaves no draft', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'f')
    await writeFile(file, 'the old one, which is longer', { mode: 0o644 })
    writeAtomically(file, 'new')
    expect(await readFile(file, 'utf8')).toBe('new')
    expect(await mode(file)).toBe('600')
    expect(await readdir(folder.path)).toEqual(['f'])
  })

  it('stays as it was when it cannot be replaced', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'f')
    await mkdir(join(file, 'kept'), { recursive: true })
    expect(() => writeAtomically(file, 'new')).toThrow()
    expect(await readdir(file)).toEqual(['kept'])
  })
})

describe('a JSON file', () => {
  const expected = { fields: ['secret'], remedy: 'put it back' }

  it('is read; one that is not there is undefined', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'f')
    expect(readJsonFile(file, expected)).toBeUndefined()
    await writeFile(file, '{"secret":"hunter2"}')
    expect(readJsonFile(file, expected)).toEqual({ secret: 'hunter2' })
  })

  it.each(['', '{"secret":"hunter2"', 'null', '"hunter2"', '{"other":"hunter2"}'])(
    'that holds %j is refused by name and remedy, without what it holds',
    async (text) => {
      await using folder = await temporaryFolder()
      const file = join(folder.path, 'f')
      await writeFile(file, text)
      expect(() => readJsonFile(file, expected)).toThrow(
        expect.objectContaining({
          code: 'invalid_configuration',
          message: `${file} is damaged or cut short: put it back`,
        }),
      )
    },
  )

  it('that cannot be read is refused by name and remedy', async () => {
    await using folder = await temporaryFolder()
    expect(() => readJsonFile(folder.path, expected)).toThrow(
      expect.objectContaining({
        code: 'invalid_configuration',
        message: `${folder.path} cannot be read (EISDIR): put it back`,
      }),
    )
  })
})
