import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { vectors } from '../vectors/generate.ts'

it('keeps the golden vectors what the reference libraries make', async () => {
  const made = await vectors()
  const kept = Object.keys(made).map((name) => {
    const content: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors', name), 'utf8'))
    return [name, content]
  })
  expect(made).toEqual(Object.fromEntries(kept))
})
