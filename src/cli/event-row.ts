import { isMap } from './body.ts'
import { cell, type Row } from './table.ts'

/** An event of the audit stream as a row: when, what, who did it, and what it says. */
export function eventRow(event: Row): Row {
  const { sequence, subject, data, metadata } = event
  const { timestamp, ...says } = isMap(data) ? data : {}
  const actor = isMap(metadata) && isMap(metadata['actor']) ? metadata['actor'] : {}
  return { sequence, time: timestamp, event: eventName(subject), by: actor['user'], says: cell(says) }
}

export function isEvent(item: Row): boolean {
  return typeof item['subject'] === 'string' && isMap(item['data']) && isMap(item['metadata'])
}

/** `auth.event.A….user.locked` is `user.locked` to people. */
export function eventName(subject: unknown): string {
  return String(subject).split('.').slice(-2).join('.')
}
