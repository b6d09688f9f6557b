import { declaredId } from './declared-census.ts'
import type { Declared, Documents } from './documents.ts'

/** Where an entry of a policy is written, for people. */
export type Places = (policyId: string, field: string) => string | undefined

/** `file:line:column` of what documents declare. */
export function placesIn({ policies }: Pick<Documents, 'policies'>): Places {
  const declared = new Map<string, Declared<unknown>>(
    policies.map((each) => [declaredId(each.content), each]),
  )
  return (id, field) => declared.get(id)?.locate(pathOf(field))
}

/** `publish.allow[0]` as a path. */
function pathOf(field: string): readonly (string | number)[] {
  return [...field.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, key, index]) => key ?? Number(index))
}
