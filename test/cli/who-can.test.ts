import { describe, expect, it } from 'vitest'
import { showWhoCan } from '../../src/cli/who-can.ts'
import type { Format } from '../../src/cli/output.ts'
import type { Shell } from '../../src/cli/shell.ts'

const item = (user: string) => ({
  ...{ policy: 'developer', version: 1, via: ['user'], entry: 'orders.>', account: 'ORDERS' },
  user,
})

/** Shows two pages, and what was there before the second one came. */
async function shown(format: Format) {
  let [out, before] = ['', '']
  async function* pages() {
    yield await Promise.resolve({ items: [item('alice')], barred: 0, next: 1 })
    before = out
    yield await Promise.resolve({ items: [item('bob')], barred: 2 })
  }
  const outlet = { write: () => undefined, isTTY: false }
  const print = (text: string): Promise<void> => Promise.resolve(void (out += text))
  await showWhoCan(pages(), format, { print, terminal: { out: outlet, err: outlet } } as unknown as Shell)
  return { out, before }
}

describe('who can', () => {
  it.each<Format>(['table', 'json', 'yaml'])('is shown as it comes in: %s', async (format) => {
    const { out, before } = await shown(format)
    expect(before).toContain('alice')
    expect(before).not.toContain('bob')
    expect(out).toContain('bob')
  })

  it('is one document of JSON in the end', async () => {
    const items = [item('alice'), item('bob')]
    expect(JSON.parse((await shown('json')).out)).toEqual({ items, barred: 2 })
  })
})
