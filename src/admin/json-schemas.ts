import { z } from 'zod'
import type { Command } from './command.ts'
import { documentSchemas } from './document-schemas.ts'
import { paperSchemas } from './paper-schemas.ts'
import { requestOf, responseOf } from './envelope.ts'

/**
 * The JSON Schemas (draft 7, the one that every editor knows) of the documents as people write them, by the name of
 * their file in docs/schemas. Rules that need code are there as patterns that let through a little more.
 */
export function jsonSchemas(): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries({ ...documentSchemas, ...paperSchemas }).map(([kind, schema]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' })
      return [
        `${kind}.json`,
        { $schema, $id: `urn:gatehouse:document:${kind}`, title: `Gatehouse ${kind}`, ...rest },
      ]
    }),
  )
}

/** The JSON Schemas of a command's body and of its reply, for endpoint metadata (ADR-32) and documentation. */
export function commandSchemas(command: Command): { readonly request: object; readonly response: object } {
  const schemaOf = (schema: z.ZodType): object => {
    const { $schema: _draft, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' })
    return rest
  }
  return { request: schemaOf(requestOf(command)), response: schemaOf(responseOf(command)) }
}
