import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSources } from '../../src/cli/sources.ts'
import { temporaryFolder } from '../support/programs.ts'

describe('a folder of documents', () => {
  it('may have one of the three folders only, even an empty one', async () => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, 'policies'))
    expect(await readSources(folder.path)).toEqual([])
    await writeFile(join(folder.path, 'policies', 'p.yaml'), 'kind: policy\n')
    await writeFile(join(folder.path, 'policies', 'p.test.yaml'), 'not a document\n')
    expect(await readSources(folder.path)).toEqual([
      { path: expect.stringMatching(/p\.yaml$/) as string, text: 'kind: policy\n' },
    ])
  })

  it.each(['.', 'nonexistent'])('that has none of them (%j) is refused by name', async (name) => {
    await using folder = await temporaryFolder()
    const root = join(folder.path, name)
    await expect(readSources(root)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining(`${root} has none of`) as string,
    })
  })

  it('with something that cannot be read is refused by name', async () => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, 'accounts', 'a.yaml'), { recursive: true })
    await expect(readSources(folder.path)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('a.yaml cannot be read') as string,
    })
  })
})
