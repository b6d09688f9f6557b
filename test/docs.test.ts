import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { commands } from '../src/admin/commands.ts'
import { parseDocuments } from '../src/admin/documents.ts'
import { DENY_REASONS, DROP_REASONS } from '../src/callout/reason.ts'
import { STATUS } from '../src/nats/admin-service.ts'
import { commandsPage } from './support/commands-page.ts'
import { PROJECT } from './support/world.ts'

const pages = [
  ...readdirSync(PROJECT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(PROJECT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].map((path) => ({ path, text: readFileSync(join(PROJECT, path), 'utf8') }))

function page(path: string): string {
  return pages.find((each) => each.path === path)!.text
}

/** First cells, in code, of the table under a heading. */
function listed(text: string, heading: string): string[] {
  const section = text.split(/^#+ /m).find((part) => part.startsWith(heading)) ?? ''
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]!)
}

describe('the documents', () => {
  it.each(pages)('$path links to what is there', ({ path, text }) => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!)
    const broken = links.filter((link) => !existsSync(join(PROJECT, dirname(path), link)))
    expect(broken).toEqual([])
  })

  it('list every reason there is, and no other', () => {
    expect(listed(page('docs/decision.md'), 'Dropped').sort()).toEqual([...DROP_REASONS].sort())
    expect(listed(page('docs/decision.md'), 'Denied').sort()).toEqual([...DENY_REASONS].sort())
  })

  it('tell of every command what the code says of it', async () => {
    const file = join(PROJECT, 'docs', 'commands.md')
    const expected = await commandsPage(file, commands)
    await expect(expected, 'docs/commands.md is out of date: run "npm run schemas"').toMatchFileSnapshot(file)
  })

  it('list every code of a refusal with its number', () => {
    const rows = [...page('docs/commands.md').matchAll(/^\| `([a-z_]+)`\s*\| (\d{3})\s*\|$/gm)]
    const told = new Map(rows.map(([, code, number]) => [code, Number(number)]))
    expect(told).toEqual(new Map(Object.entries({ ...STATUS, internal_error: 500 })))
  })

  it('list every variable that the configuration reads', () => {
    const sources = ['src/config.ts', 'src/nats/server-binary.ts', 'src/nats/binary-cache.ts']
    const read = sources.flatMap(
      (file) => readFileSync(join(PROJECT, file), 'utf8').match(/GATEHOUSE_[A-Z_]+/g) ?? [],
    )
    const told: string[] = page('docs/run.md').match(/GATEHOUSE_[A-Z_]+/g) ?? []
    expect([...new Set(told)].sort()).toEqual([...new Set(read)].sort())
  })

  it('list every flag of up', () => {
    const flags = readFileSync(join(PROJECT, 'src/cli.ts'), 'utf8')
      .match(/'--[a-z-]+/g)!
      .map((flag) => flag.slice(1))
    for (const flag of flags) expect(page('docs/run.md')).toContain(`\`${flag}\``)
  })

  it('show documents that can be applied', () => {
    const blocks = ['README.md', 'docs/documents.md'].flatMap((path) =>
      [...page(path).matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map((match) => ({ path, text: match[1]! })),
    )
    expect(blocks.length).toBeGreaterThan(3)
    for (const block of blocks) {
      expect(parse(block.text) as unknown).toHaveProperty('kind')
      expect(() => parseDocuments([block])).not.toThrow()
    }
  })

  it('tell no path of anybody’s machine', () => {
    const own = new RegExp(`${dirname(PROJECT.replace(/\/$/, ''))}/`)
    expect(pages.filter(({ text }) => own.test(text)).map(({ path }) => relative(PROJECT, path))).toEqual([])
  })
})
