import { z } from 'zod'
import { accountEvents, operatorEvents } from './event-account.ts'
import { policyEvents, roleEvents } from './event-policy.ts'
import { eventSchema, type EventDefinition } from './event-schema.ts'
import { sessionEvents } from './event-session.ts'
import { commandEvents, connectionEvents, userEvents } from './event-user.ts'

/**
 * Every type of event there is. One that the domain has and this has not does not compile: each slice is checked
 * against the events of its aggregate.
 */
export const eventDefinitions: Readonly<Record<string, EventDefinition>> = {
  ...operatorEvents,
  ...accountEvents,
  ...policyEvents,
  ...roleEvents,
  ...userEvents,
  ...connectionEvents,
  ...sessionEvents,
  ...commandEvents,
}

/**
 * The JSON Schemas (draft 7) of the events, by the name of their file in docs/schemas/events. They let through fields
 * that they do not know: there may be more of them one day without a new schema number.
 */
export function eventJsonSchemas(): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries(eventDefinitions).map(([type, definition]) => {
      const { $schema, ...rest } = z.toJSONSchema(eventSchema(type, definition), {
        target: 'draft-7',
        override: ({ jsonSchema }) => {
          if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
        },
      })
      const about = { title: `Gatehouse event ${type}`, description: definition.when }
      return [`${type}.json`, { $schema, $id: `urn:gatehouse:event:${type}`, ...about, ...rest }]
    }),
  )
}
