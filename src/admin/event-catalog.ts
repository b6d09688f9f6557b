import { z } from 'zod'
import { eventDefinitions } from './event-schemas.ts'
import { eventSchema, type EventDefinition } from './event-schema.ts'

/** The part of docs/events.md that lists every type: its subject, when it comes, what it says. Markdown. */
export function eventCatalog(): string {
  return Object.entries(eventDefinitions)
    .map(([type, definition]) => section(type, definition))
    .join('\n\n')
}

function section(type: string, definition: EventDefinition): string {
  const { data } = eventSchema(type, definition).shape
  const rows = Object.entries(data.shape).map(([field, schema]) => row(field, schema as z.ZodType))
  const example = { ...definition.example, timestamp: '2027-01-31T12:00:00.000Z' }
  return [
    `### ${type}`,
    `\`auth.event.${type}\`. ${definition.when} [Schema](schemas/events/${type}.json).`,
    ['| field | | |', '| --- | --- | --- |', ...rows].join('\n'),
    ['```json', JSON.stringify(example, null, 2), '```'].join('\n'),
  ].join('\n\n')
}

function row(field: string, schema: z.ZodType): string {
  const { type = 'object', description = '' } = z.toJSONSchema(schema, { target: 'draft-7' })
  const optional = schema.safeParse(undefined).success ? ', optional' : ''
  return `| \`${field}\` | ${[type].flat().join(' or ')}${optional} | ${description} |`
}
