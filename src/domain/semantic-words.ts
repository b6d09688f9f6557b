import type { SemanticPermission } from './semantic.ts'

/** A permission as people say it: `kv stock: read, watch`, `stream ORDERS (subjects orders.>): write`. */
export function permissionText(permission: SemanticPermission): string {
  const notes = notesOf(permission)
  const within = notes.length === 0 ? '' : ` (${notes.join('; ')})`
  return `${thingOf(permission)}${within}: ${permission.may.join(', ')}`
}

function thingOf(permission: SemanticPermission): string {
  if ('consumer' in permission) return `consumer ${permission.consumer} of stream ${permission.stream}`
  if ('stream' in permission) return `stream ${permission.stream}`
  if ('kv' in permission) return `kv ${permission.kv}`
  if ('object' in permission) return `object ${permission.object}`
  if ('service' in permission) return `service ${permission.service}`
  return `request-reply ${permission['request-reply']}`
}

/** Where it holds, and of which part. */
const NOTES = ['keys', 'subjects', 'queue', 'domain', 'prefix'] as const

function notesOf(permission: SemanticPermission): readonly string[] {
  const fields: Partial<Record<(typeof NOTES)[number], string | readonly string[] | undefined>> = permission
  return NOTES.flatMap((name) => {
    const value = fields[name]
    if (value === undefined) return []
    return [`${name} ${typeof value === 'string' ? value : value.join(', ')}`]
  })
}
