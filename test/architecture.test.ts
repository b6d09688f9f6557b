import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const SRC = resolve(import.meta.dirname, '../src')

/**
 * The doors of the house: what each room may import. A room is a folder of src, or a file at its root; `types:keys`
 * means types only. Packages and Node's modules stand as they are written, without sub-paths.
 */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  domain: ['errors'],
  keys: ['errors', 'node:crypto', 'node:fs', 'lru-cache', 'tweetnacl', 'sodium-native', '@node-rs/argon2'],
  jwt: ['domain', 'keys', 'errors', 'node:crypto'],
  callout: ['domain', 'jwt', 'keys', 'sessions', 'errors', 'node:net'],
  admin: ['domain', 'sessions', 'errors', 'zod', 'yaml', 'node:net'],
  sessions: ['domain', 'errors', 'node:timers'],
  nats: ['domain', 'jwt', 'keys', 'callout', 'admin', 'sessions', 'errors', '*'],
  cli: ['admin', 'keys', 'nats', 'main', 'http', 'config', 'telemetry', 'version', 'errors', '*'],
}

/** The only places where a seed, a clock, the environment or an exit may be. */
const ONLY_THERE = [
  { what: 'the environment', pattern: /\bprocess\.env\b/, where: ['cli.ts'] },
  { what: 'a seed', pattern: /\bseedOf\b|\bdecodeSeed\b|\bencodeSeed\b/, where: ['keys/'] },
  {
    what: 'the clock',
    pattern: /\bDate\.now\b|\bnew Date\(\)/,
    where: ['main.ts', 'cli.ts', 'cli/up.ts', 'nats/process-', 'nats/binary-'],
  },
  { what: 'chance', pattern: /\bMath\.random\b/, where: ['main.ts'] },
] as const

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(SRC, file), 'utf8') }))

describe('the house', () => {
  it('keeps every import inside the doors of its room', () => {
    expect(sources.length).toBeGreaterThan(50)
    const trespasses = sources.flatMap(({ file, text }) => {
      const room = roomOf(file)
      const doors = DOORS[room]
      if (doors === undefined) return [] // Files at the root wire the rooms together.
      return importsOf(file, text)
        .filter((door) => door !== room && !opens(doors, door))
        .map((door) => `${file} → ${door}`)
    })
    expect(trespasses).toEqual([])
  })

  it('has a door for every room', () => {
    const rooms = new Set(sources.filter(({ file }) => file.includes('/')).map(({ file }) => roomOf(file)))
    expect([...rooms].sort()).toEqual(Object.keys(DOORS).sort())
  })

  it.each(ONLY_THERE)('has $what only where it belongs', ({ pattern, where }) => {
    const found = sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file)
    expect(found.length).toBeGreaterThan(0)
    expect(found.filter((file) => !where.some((place) => file.startsWith(place)))).toEqual([])
  })

  it('has no barrel: no file but hands on what another one owns', () => {
    expect(
      sources.filter(({ text }) => /^export (?:\*|\{[^}]*\}) from/m.test(text)).map(({ file }) => file),
    ).toEqual([])
  })
})

/** Of `callout/open.ts` it is `callout`; a file at the root is a room of its own. */
function roomOf(file: string): string {
  return file.split('/')[0]!.replace(/\.ts$/, '')
}

/** `*` is everything outside src. */
function opens(doors: readonly string[], door: string): boolean {
  return doors.includes(door) || (doors.includes('*') && !sources.some(({ file }) => roomOf(file) === door))
}

function importsOf(file: string, text: string): string[] {
  return ts.preProcessFile(text).importedFiles.map(({ fileName }) => {
    if (fileName.startsWith('.')) return roomOf(relative(SRC, join(SRC, dirname(file), fileName)))
    return fileName.startsWith('@') ? fileName.split('/').slice(0, 2).join('/') : fileName.split('/')[0]!
  })
}
