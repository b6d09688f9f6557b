import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Exported } from '../../src/admin/exported.ts'
import { exportPaths } from '../../src/cli/export-names.ts'
import { anyName } from '../support/snapshots.ts'

const policy = (name: string, account?: string): Exported => ({ kind: 'policy', name, account, document: {} })
const paths = (...documents: Exported[]): string[] => [...exportPaths(documents).values()]

describe('the file of a document', () => {
  it.each([
    ['readonly', 'policies/readonly.yaml'],
    ['ORDERS', 'policies/ORDERS.yaml'],
    ['alice@example.com', 'policies/alice@example.com.yaml'],
    ['a:b?', 'policies/a%3Ab%3F.yaml'],
    ['é', 'policies/%C3%A9.yaml'],
    ['-x', 'policies/%2Dx.yaml'],
    ['p.test', 'policies/p%2Etest.yaml'],
    ['p.YAML', 'policies/p%2EYAML.yaml'],
    ['p.', 'policies/p%2E.yaml'],
    ['nul', 'policies/%6Eul.yaml'],
    ['console', 'policies/console.yaml'],
  ])('%s is %s', (name, path) => {
    expect(paths(policy(name))).toEqual([path])
  })

  it('lies in the folder of its kind, and of its account', () => {
    const all = [
      { kind: 'operator', name: 'o', document: {} },
      { kind: 'account', name: 'A', document: {} },
      policy('p', 'A'),
      { kind: 'role', name: 'r', account: 'A', document: {} },
    ] as const
    expect(paths(...all)).toEqual([
      'operator/o.yaml',
      'accounts/A.yaml',
      'policies/A/p.yaml',
      'roles/A/r.yaml',
    ])
  })

  it('says which one it is where names differ by their case alone', () => {
    const [upper = '', lower = '', other] = paths(policy('Sales'), policy('sales'), policy('other'))
    expect(upper).toMatch(/^policies\/Sales~[0-9a-f]{8}\.yaml$/)
    expect(lower).toMatch(/^policies\/sales~[0-9a-f]{8}\.yaml$/)
    expect(other).toBe('policies/other.yaml')
  })

  it('is one that every file system can hold, and nobody else’s', () => {
    const place = fc.record({ name: anyName, account: fc.option(anyName, { nil: undefined }) })
    fc.assert(
      fc.property(
        fc.uniqueArray(place, { selector: ({ name, account }) => `${account ?? ''} ${name}`, maxLength: 12 }),
        (places) => {
          const all = paths(...places.map(({ name, account }) => policy(name, account)))
          expect(new Set(all.map((path) => path.toLowerCase())).size).toBe(places.length)
          const folders = new Set(all.map((path) => path.split('/').slice(0, -1).join('/').toLowerCase()))
          for (const path of all) {
            expect(path).toMatch(/^policies(?:\/[A-Za-z0-9@_.+=,%~-]+){1,2}(?<!\.test)\.yaml$/)
            expect(folders.has(path.toLowerCase())).toBe(false)
            for (const part of path.split('/')) expect(part.length).toBeLessThan(255)
          }
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
