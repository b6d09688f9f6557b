import { describe, expect, it } from 'vitest'
import { readDocuments, type Documents } from '../../src/admin/documents.ts'
import { refuseAtFirstStart } from '../../src/admin/first-start.ts'
import { readSources } from '../../src/cli/sources.ts'
import { GatehouseError } from '../../src/errors.ts'
import { PROJECT } from '../support/world.ts'

const BASE = 'kind: policy\nname: base\n'

const read = (...texts: readonly string[]): Documents =>
  readDocuments(texts.map((text, index) => ({ path: `${'abc'[index] ?? 'z'}.yaml`, text })))

function faults(...texts: readonly string[]): string[] {
  try {
    refuseAtFirstStart(read(...texts))
    return []
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    return error.faults.map(({ where, rule }) => `${where}: ${rule}`)
  }
}

describe('at a first start', () => {
  it('the samples have no faults', async () => {
    refuseAtFirstStart(readDocuments(await readSources(PROJECT)))
  })

  it('fields and names of all files are told in one run', () => {
    expect(
      faults(
        BASE,
        'kind: account\nname: A\ncolour: blue\ndefaultPolicy: nope\nusers: [{ name: u, policies: [nope, base] }]\n',
        'kind: policy\nname: p\naccount: NOWHERE\n---\nkind: account\nname: B\nusers: [{ name: u, policies: [gone] }]\n',
      ),
    ).toEqual([
      'b.yaml:3:1 colour: is not a field that is known here',
      'b.yaml:4:1 defaultPolicy: there is no policy "nope"',
      'b.yaml:5:31 users[0].policies[0]: there is no policy "nope"',
      'c.yaml:3:1 account: there is no account "NOWHERE"',
      'c.yaml:7:31 users[0].policies[0]: there is no policy "gone"',
    ])
  })

  it.each([
    ['with a field that is wrong', 'kind: policy\nname: p\npublsh: {}\n'],
    ['with a list that is left open', 'kind: policy\nname: p\npublish: [\n'],
    ['without a name', 'kind: policy\n'],
    ['that is no YAML', '{{{'],
  ])('a document %s is not blamed on who names it', (_, text) => {
    const named = faults(BASE, 'kind: account\nname: A\nusers: [{ name: u, policies: [p] }]\n', text)
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((fault) => !fault.startsWith('c.yaml'))).toEqual([])
  })

  it('the accounts that will be there can be named, and those of Gatehouse not declared', () => {
    expect(faults(`${BASE}---\nkind: policy\nname: p\naccount: ADMIN\n`)).toEqual([])
    expect(faults(BASE, 'kind: account\nname: SYS\n---\nkind: account\nname: AUTH\n')).toEqual([
      'b.yaml:2:1 name: account "SYS" belongs to Gatehouse: it cannot be declared',
      'b.yaml:5:1 name: account "AUTH" belongs to Gatehouse: it cannot be declared',
    ])
  })

  it('the policy that everybody has must be declared, and the operator may have any name', () => {
    expect(faults('kind: operator\nname: mine\n', 'kind: account\nname: A\n')).toEqual([
      'b.yaml:1:1 defaultPolicy: there is no policy "base"',
    ])
  })

  it('a policy of another account does not count', () => {
    const owned = `${BASE}---\nkind: policy\nname: own\naccount: A\n---\nkind: account\nname: A\n`
    expect(faults(owned, 'kind: account\nname: B\nusers: [{ name: u, policies: [own] }]\n')).toEqual([
      'b.yaml:3:31 users[0].policies[0]: there is no policy "own"',
    ])
  })
})
