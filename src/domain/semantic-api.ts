import type { ResponsePermission } from './policy.ts'

/** Where a JetStream API answers: in the account itself, in a domain (`$JS.<domain>.API`), or behind an import. */
export interface InJetStream {
  readonly domain?: string | undefined
  /** What an import maps another account's `$JS.API` to. Not beside `domain`. */
  readonly prefix?: string | undefined
}

/** What a semantic permission comes to. */
export interface Subjects {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
  readonly responses?: ResponsePermission | undefined
}

/** What the actions of one kind come to. */
export type Actions<Action extends string> = Readonly<Record<Action, () => Subjects>>

export const publishing = (...publish: readonly string[]): Subjects => ({ publish, subscribe: [] })

/** All that the actions come to, each subject once. */
export function together<Action extends string>(may: readonly Action[], actions: Actions<Action>): Subjects {
  const each = may.map((action) => actions[action]())
  const responses = each.flatMap((subjects) => subjects.responses ?? [])[0]
  return {
    publish: [...new Set(each.flatMap(({ publish }) => publish))],
    subscribe: [...new Set(each.flatMap(({ subscribe }) => subscribe))],
    ...(responses === undefined ? {} : { responses }),
  }
}

/** What the subjects of one JetStream API begin with. */
export function apiOf({ domain, prefix }: InJetStream): string {
  return prefix ?? (domain === undefined ? '$JS.API' : `$JS.${domain}.API`)
}

/**
 * The beginnings under which an API can be reached. To the servers of a domain their own is `$JS.API`, also where a
 * client names it: they check the subject that it comes to. Everywhere else it is `$JS.<domain>.API`.
 */
export function everyApiOf({ prefix }: InJetStream): readonly string[] {
  return prefix === undefined ? ['$JS.API', '$JS.*.API'] : [prefix]
}

/**
 * Acknowledgements, in both forms that servers use: of nine tokens, and since 2.14 (`js_ack_fc_v2`) with the domain
 * and a hash of the account, of eleven or more. Neither has a prefix.
 */
export function acks(stream: string, consumer: string, domain = '*'): readonly string[] {
  return [`$JS.ACK.${stream}.${consumer}.*.*.*.*.*`, `$JS.ACK.${domain}.*.${stream}.${consumer}.*.*.*.*.>`]
}

/** Answers to flow control, in the same two forms. They tell a server to go on, and nothing else. */
export function flowControl(stream: string, consumer: string, domain = '*'): readonly string[] {
  return [`$JS.FC.${stream}.${consumer}.*`, `$JS.FC.${domain}.*.${stream}.${consumer}.*`]
}

/** All that opening a stream asks: how JetStream is, and how the stream is. It tells the names of its subjects too. */
export const opening = (api: string, stream: string): readonly string[] => [
  `${api}.INFO`,
  `${api}.STREAM.INFO.${stream}`,
]

/** Messages one by one, by sequence or as the last of a subject. */
export const getting = (api: string, stream: string): readonly string[] => [
  `${api}.DIRECT.GET.${stream}`,
  `${api}.DIRECT.GET.${stream}.>`,
  `${api}.STREAM.MSG.GET.${stream}`,
]

/**
 * Ordered consumers that the server pushes from: of all, or of a filter that stands in the subject. Of several filters
 * nats.js makes one without a name in the subject, which lets nobody make one that a name would not: all names are allowed.
 */
export function pushed(
  { domain, prefix }: InJetStream,
  stream: string,
  filters: readonly string[] | undefined,
): readonly string[] {
  const api = apiOf({ domain, prefix })
  const unnamed = `${api}.CONSUMER.CREATE.${stream}`
  const all = `${unnamed}.*`
  const created =
    filters === undefined ? [unnamed, all, `${all}.>`] : filters.map((filter) => `${all}.${filter}`)
  return [...created, `${api}.CONSUMER.INFO.${stream}.*`, ...flowControl(stream, '*', domain)]
}

/** What changes a stream itself. */
export const managing = (api: string, stream: string): readonly string[] => [
  ...opening(api, stream),
  `${api}.STREAM.CREATE.${stream}`,
  `${api}.STREAM.UPDATE.${stream}`,
  `${api}.STREAM.DELETE.${stream}`,
  `${api}.STREAM.PURGE.${stream}`,
]

const STREAM_CHANGES = [
  'CREATE',
  'UPDATE',
  'DELETE',
  'PURGE',
  'MSG.DELETE',
  'RESTORE',
  'LEADER.STEPDOWN',
  'PEER.REMOVE',
  'PEER.EVACUATE',
  'CANCEL_MOVE',
] as const

/** Every way of changing a stream that the API has. */
export const anyChange = (where: InJetStream, stream: string): readonly string[] =>
  everyApiOf(where).flatMap((api) => STREAM_CHANGES.map((change) => `${api}.STREAM.${change}.${stream}`))

/** What removes single messages of a stream: which ones, a body says. */
export const removing = (where: InJetStream, stream: string): readonly string[] =>
  everyApiOf(where).flatMap((api) => [`${api}.STREAM.PURGE.${stream}`, `${api}.STREAM.MSG.DELETE.${stream}`])

/**
 * Every way of reading by a consumer: making one, in each of the forms that there were, and pulling from one, which
 * an acknowledgement with the body `+NXT` does too.
 */
export const anyConsumer = (where: InJetStream, stream: string): readonly string[] => [
  ...everyApiOf(where).flatMap((api) => [
    `${api}.CONSUMER.CREATE.${stream}`,
    `${api}.CONSUMER.CREATE.${stream}.>`,
    `${api}.CONSUMER.DURABLE.CREATE.${stream}.*`,
    `${api}.CONSUMER.MSG.NEXT.${stream}.*`,
  ]),
  ...acks(stream, '*'),
]

/** Every way of reading. */
export const anyReading = (where: InJetStream, stream: string): readonly string[] => [
  ...everyApiOf(where).flatMap((api) => [...getting(api, stream), `${api}.STREAM.SNAPSHOT.${stream}`]),
  ...anyConsumer(where, stream),
]
