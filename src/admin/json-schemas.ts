import { z } from 'zod'
import { documentSchemas } from './document-schemas.ts'

/**
 * The JSON Schemas (draft 7, the one that every editor knows) of the documents as people write them, by the name of
 * their file in docs/schemas. Rules that need code are there as patterns that let through a little more.
 */
export function jsonSchemas(): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries(documentSchemas).map(([kind, schema]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' })
      return [
        `${kind}.json`,
        { $schema, $id: `urn:gatehouse:document:${kind}`, title: `Gatehouse ${kind}`, ...rest },
      ]
    }),
  )
}
