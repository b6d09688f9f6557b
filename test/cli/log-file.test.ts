import { existsSync } from 'node:fs'
import { readFile, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLogFile } from '../../src/cli/log-file.ts'
import { temporaryFolder } from '../support/programs.ts'

describe('a log file', () => {
  it('has every line at once, after those that were there, for its owner alone', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'log')
    for (const line of ['one', 'two']) {
      using log = openLogFile(path, () => undefined)
      log.append(line)
    }
    expect(await readFile(path, 'utf8')).toBe('one\ntwo\n')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('that cannot be opened is a fault to tell', async () => {
    await using folder = await temporaryFolder()
    expect(() => openLogFile(folder.path, () => undefined)).toThrow(
      expect.objectContaining({
        code: 'invalid_configuration',
        message: expect.stringContaining(folder.path) as string,
      }),
    )
  })

  if (existsSync('/dev/full')) {
    it('on a full disk loses lines, and tells of each', async () => {
      await using folder = await temporaryFolder()
      const path = join(folder.path, 'log')
      await symlink('/dev/full', path)
      const lost: unknown[] = []
      using log = openLogFile(path, (error) => lost.push(error))
      log.append('one')
      log.append('two')
      expect(lost).toEqual(Array(2).fill(expect.objectContaining({ code: 'ENOSPC' })))
    })
  }
})
