import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { declaredCensus } from '../src/admin/declared-census.ts'
import { readDocuments } from '../src/admin/documents.ts'
import { accept, readAcceptances } from '../src/admin/lint-accept.ts'
import { lint } from '../src/admin/lint.ts'
import { placesIn } from '../src/admin/policy-places.ts'
import { readPolicyTests, testPolicies } from '../src/admin/policy-tests.ts'
import { readPapers } from '../src/cli/sources.ts'
import { PROJECT } from './support/world.ts'

const papers = await readPapers([PROJECT])
const documents = readDocuments(papers.documents)
const cases = testPolicies(documents, readPolicyTests(documents, papers.tests))

describe('the shipped policies', () => {
  it('each have tests', () => {
    const names = readdirSync(join(PROJECT, 'policies'))
    const policies = documents.policies.map(({ content }) => content.name)
    expect(policies.length).toBeGreaterThan(5)
    expect(names.filter((name) => name.endsWith('.test.yaml')).sort()).toEqual(
      policies.map((name) => `${name}.test.yaml`).sort(),
    )
  })

  it.each(cases)('$file: $name', ({ failures }) => expect(failures).toEqual([]))

  it('have nothing that lint finds, but what is accepted with a reason', () => {
    const acceptances = readAcceptances(documents, papers.accepted)
    const { findings, accepted } = accept(lint(declaredCensus(documents), placesIn(documents)), acceptances)
    expect(findings).toEqual([])
    expect(accepted).toBeGreaterThan(0)
  })
})
