import { expect } from 'vitest'
import { parseDocuments, type Documents } from '../../src/admin/documents.ts'
import { GatehouseError } from '../../src/errors.ts'

export const policy = (rest = ''): string => `kind: policy\nname: p\n${rest}`
export const account = (rest = ''): string => `kind: account\nname: A\n${rest}`

/** Files a.yaml, b.yaml, c.yaml with these texts. */
export function read(...texts: string[]): Documents {
  return parseDocuments(texts.map((text, index) => ({ path: `${'abc'[index] ?? 'z'}.yaml`, text })))
}

/** `where: rule` of every fault. */
export function faults(...texts: string[]): string[] {
  try {
    read(...texts)
    return []
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    expect(error.code).toBe('invalid_document')
    for (const { where, rule } of error.faults) expect(error.message).toContain(`  ${where}: ${rule}`)
    return error.faults.map(({ where, rule }) => `${where}: ${rule}`)
  }
}
