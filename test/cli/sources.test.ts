import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readPapers, readPaths, readSources } from '../../src/cli/sources.ts'
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

describe('documents that are named', () => {
  const noInput = (): Promise<string> => Promise.reject(new Error('nobody types'))

  it('are whole folders, or the four of those that have them, but no hidden files and no tests', async () => {
    await using folder = await temporaryFolder()
    const write = async (path: string): Promise<void> => {
      await mkdir(join(folder.path, path, '..'), { recursive: true })
      await writeFile(join(folder.path, path), path)
    }
    for (const path of ['a.yaml', 'b/c.yml', 'b/d.json', 'b/e.test.yaml', 'b/.f.yaml', '.g/h.yaml', 'i.txt'])
      await write(path)
    const texts = async (): Promise<string[]> =>
      (await readPaths([folder.path], noInput)).map(({ text }) => text)
    expect(await texts()).toEqual(['a.yaml', 'b/c.yml', 'b/d.json'])
    await write('roles/r.yaml')
    expect(await texts()).toEqual(['roles/r.yaml'])
  })

  it('are no tests and nothing that lint may find, not even by name', async () => {
    await using folder = await temporaryFolder()
    const named = async (name: string): Promise<string> => {
      const file = join(folder.path, name)
      await writeFile(file, name)
      return file
    }
    const files = await Promise.all(['a.yaml', 'a.test.yaml', 'a.lint.yaml'].map(named))
    const texts = (sources: readonly { readonly text: string }[]): string[] => sources.map(({ text }) => text)
    expect(texts(await readPaths(files, noInput))).toEqual(['a.yaml'])
    for (const paths of [files, [folder.path]]) {
      const { documents, tests, accepted } = await readPapers(paths)
      expect([documents, tests, accepted].map(texts)).toEqual([['a.yaml'], ['a.test.yaml'], ['a.lint.yaml']])
    }
  })

  it('come from standard input, and from a file that is named as well as its folder once', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'a.yaml')
    await writeFile(file, 'a')
    expect(await readPaths([file, folder.path, '-'], () => Promise.resolve('typed'))).toEqual([
      { path: file, text: 'a' },
      { path: 'standard input', text: 'typed' },
    ])
  })

  it('that are not there, or a folder that has none, are refused by name', async () => {
    await using folder = await temporaryFolder()
    for (const path of [folder.path, join(folder.path, 'nowhere')]) {
      await expect(readPaths([path], noInput)).rejects.toMatchObject({
        code: 'invalid_configuration',
        message: expect.stringContaining(path) as string,
      })
    }
  })
})
