import { declaredCensus } from '../../src/admin/declared-census.ts'
import { readDocuments } from '../../src/admin/documents.ts'
import { readAcceptances } from '../../src/admin/lint-accept.ts'
import { lint, type Finding } from '../../src/admin/lint.ts'
import { placesIn } from '../../src/admin/policy-places.ts'

export function documentsOf(...documents: object[]) {
  const text = documents.map((each) => JSON.stringify(each)).join('\n---\n')
  return readDocuments([{ path: 'd.yaml', text }])
}

export function findings(...documents: object[]): readonly Finding[] {
  const read = documentsOf(...documents)
  readAcceptances(read, []) // Refuses what does not fit together.
  return lint(declaredCensus(read), placesIn(read))
}

export const policy = (facts: object, name = 'p'): object => ({ kind: 'policy', name, ...facts })
export const shop = (...users: object[]): object => ({
  kind: 'account',
  name: 'SHOP',
  defaultPolicy: null,
  users,
})
export const holder = { name: 'u', policies: ['p'] }

/** `rule field` of everything found in a policy that one user has. */
export function found(facts: object, ...more: object[]): string[] {
  return findings(policy(facts), shop(holder), ...more)
    .filter((each) => each.policy === 'p')
    .map(({ rule, field = '' }) => `${rule} ${field}`)
}
