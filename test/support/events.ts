import Ajv from 'ajv'
import { eventSchema } from '../../src/admin/event-schema.ts'
import { eventDefinitions, eventJsonSchemas } from '../../src/admin/event-schemas.ts'
import type { AuditEvent } from '../../src/admin/transaction.ts'

const ajv = new Ajv({ allErrors: true })
const validate = new Map(
  [...eventJsonSchemas()].map(([file, schema]) => [file, ajv.compile(schema as object)]),
)

export function typeOf({ subject }: Pick<AuditEvent, 'subject'>): string {
  return subject.split('.').slice(3).join('.')
}

/** Every way in which an event is not as it is published to be: by JSON Schema, and by saying more than that. */
export function eventFaults(event: AuditEvent): string[] {
  const type = typeOf(event)
  const definition = eventDefinitions[type]
  if (definition === undefined) return [`${type}: there is no schema for it in src/admin/event-schemas.ts`]
  const published = validate.get(`${type}.json`)!
  if (!(published(event) as boolean)) return [`${type}: ${ajv.errorsText(published.errors)}`]
  const exact = eventSchema(type, definition).safeParse(event)
  return exact.success
    ? []
    : exact.error.issues.map(({ path, message }) => `${type} ${path.join('.')}: ${message}`)
}
