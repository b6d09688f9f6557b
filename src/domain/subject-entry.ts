import { covers, difference, intersection, subjectFault } from './subject.ts'

/** A subscription permission: a subject, and the queue group it is limited to, if any. */
export interface SubscribeEntry {
  readonly subject: string
  readonly queue?: string
}

/** Reads `subject` or `subject queue`, the form of `sub.allow` in a user JWT. Expects a valid entry. */
export function parseSubscribeEntry(entry: string): SubscribeEntry {
  const space = entry.indexOf(' ')
  return space === -1 ? { subject: entry } : { subject: entry.slice(0, space), queue: entry.slice(space + 1) }
}

/** Of `*x.*` nats-server takes the first token for `*`, which is more than was written. */
const HALF_WILDCARD = 'must not have a token that begins with "*" and goes on'

/** Why an entry of a subscribe list (`subject` or `subject queue`) is not valid, or `undefined`. */
export function subscribeEntryFault(entry: string): string | undefined {
  const { subject, queue } = parseSubscribeEntry(entry)
  const fault = subjectFault(subject)
  if (fault !== undefined || queue === undefined) return fault
  const queueFault = subjectFault(queue) ?? (/(?:^|\.)\*[^.]/.test(queue) ? HALF_WILDCARD : undefined)
  return queueFault === undefined ? undefined : `queue group ${queueFault}`
}

/** Does an entry of a subscribe list cover another one? One without a queue group covers every group. */
export function entryCovers(entry: string, other: string): boolean {
  const wide = parseSubscribeEntry(entry)
  const narrow = parseSubscribeEntry(other)
  return covers(wide.subject, narrow.subject) && queueCovers(wide.queue, narrow.queue)
}

/** The same of the queue groups alone, which are patterns too; `undefined` is being without one. */
export function queueCovers(wide: string | undefined, narrow: string | undefined): boolean {
  return wide === undefined || (narrow !== undefined && covers(wide, narrow))
}

/** What both entries of a subscribe list allow: one without a queue group allows every group. */
export function entryIntersection(left: string, right: string): string | undefined {
  const a = parseSubscribeEntry(left)
  const b = parseSubscribeEntry(right)
  const subject = intersection(a.subject, b.subject)
  if (subject === undefined) return undefined
  if (a.queue === undefined || b.queue === undefined) return written(subject, a.queue ?? b.queue)
  const queue = intersection(a.queue, b.queue)
  return queue === undefined ? undefined : written(subject, queue)
}

/**
 * What the one entry allows and the other does not, as entries that exclude each other; `undefined` where no entries
 * say that, as of "any queue group, or none, but `q`".
 */
export function entryDifference(entry: string, without: string): readonly string[] | undefined {
  const both = entryIntersection(entry, without)
  if (both === undefined) return [entry]
  const [a, b, common] = [entry, without, both].map(parseSubscribeEntry) as [
    SubscribeEntry,
    SubscribeEntry,
    SubscribeEntry,
  ]
  const subjects = difference(a.subject, b.subject)
  const queues = queueDifference(a.queue, b.queue)
  if (subjects === undefined || queues === undefined) return undefined
  return [
    ...subjects.map((subject) => written(subject, a.queue)),
    ...queues.map((queue) => written(common.subject, queue)),
  ]
}

function queueDifference(
  queue: string | undefined,
  without: string | undefined,
): readonly string[] | undefined {
  if (without === undefined) return []
  return queue === undefined ? undefined : difference(queue, without)
}

function written(subject: string, queue: string | undefined): string {
  return queue === undefined ? subject : `${subject} ${queue}`
}
