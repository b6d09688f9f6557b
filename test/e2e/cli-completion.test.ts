import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder, type Folder } from '../support/programs.ts'
import { gatehouse, run, type Finished } from '../support/up.ts'

let folder: Folder
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder[Symbol.asyncDispose]())

async function bare(...args: readonly string[]): Promise<Finished> {
  await using started = gatehouse(args, { env: { XDG_CONFIG_HOME: folder.path } })
  return await started.finished
}

describe('completion', () => {
  let script: string
  beforeAll(async () => {
    script = join(folder.path, 'completion.bash')
    await writeFile(script, (await bare(...['completion', 'bash'])).out)
  })

  /** What bash offers for a line with the cursor at its end. */
  async function offered(line: string): Promise<readonly string[]> {
    const words = line.split(' ')
    const ask = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gatehouse; printf '%s\\n' "\${COMPREPLY[@]}"`
    await using bash = run(['bash', '-c', ask, 'bash', script, ...words], {
      env: { XDG_CONFIG_HOME: folder.path },
    })
    const { out, err, code } = await bash.finished
    expect([code, err]).toEqual([0, ''])
    return out.split('\n').filter((word) => word !== '')
  }

  it('knows commands, verbs, flags and words', async () => {
    expect(await offered('gatehouse us')).toEqual(['user'])
    expect(await offered('gatehouse user assign-')).toEqual(['assign-policy', 'assign-role'])
    expect(await offered('gatehouse policy create --publish-')).toEqual(['--publish-allow', '--publish-deny'])
    expect(await offered('gatehouse user list ORDERS --output ')).toEqual(['table', 'json', 'yaml'])
    expect(await offered('gatehouse user create ORDERS --policies ')).toEqual([])
    await bare(...['context', 'add', 'staging', '--server', 'localhost'])
    expect(await offered('gatehouse whoami --context sta')).toEqual(['staging'])
    for (const verb of ['select', 'show', 'rm'])
      expect(await offered(`gatehouse context ${verb} `)).toEqual(['staging'])
    expect(await offered('gatehouse context add ')).toEqual([])
    expect(await offered('gatehouse completion ')).toEqual(['bash', 'zsh', 'fish'])
  })

  it.each(['zsh', 'fish'])('names every flag for %s', async (shell) => {
    const { code, out } = await bare(...['completion', shell])
    expect(code).toBe(0)
    for (const word of ['assign-policy', 'publish-allow', 'rollback', 'bash zsh fish'])
      expect(out).toContain(word)
  })
})
