import {
  acks,
  anyChange,
  anyReading,
  apiOf,
  everyApiOf,
  flowControl,
  getting,
  managing,
  opening,
  publishing,
  pushed,
  together,
  type InJetStream,
  type Subjects,
} from './semantic-api.ts'

export const STREAM_ACTIONS = ['view', 'read', 'write', 'manage'] as const
export const CONSUMER_ACTIONS = ['use', 'manage'] as const

export interface StreamPermission extends InJetStream {
  readonly stream: string
  readonly may: readonly (typeof STREAM_ACTIONS)[number][]
  /** What may be written; and what may be read, where not everything. */
  readonly subjects?: readonly string[] | undefined
}

export interface ConsumerPermission extends InJetStream {
  /** Its name, or `*` for any of the stream. */
  readonly consumer: string
  readonly stream: string
  readonly may: readonly (typeof CONSUMER_ACTIONS)[number][]
}

export function allowedOnStream(permission: StreamPermission): Subjects {
  const { stream, may, subjects } = permission
  const api = apiOf(permission)
  return together(may, {
    view: () =>
      publishing(
        ...opening(api, stream),
        `${api}.CONSUMER.NAMES.${stream}`,
        `${api}.CONSUMER.LIST.${stream}`,
        `${api}.CONSUMER.INFO.${stream}.*`,
      ),
    read: () =>
      subjects === undefined
        ? publishing(
            ...opening(api, stream),
            ...getting(api, stream),
            ...pushed(permission, stream, undefined),
          )
        : publishing(
            ...subjects.map((subject) => `${api}.DIRECT.GET.${stream}.${subject}`),
            ...pushed(permission, stream, subjects),
          ),
    write: () => publishing(...(subjects ?? [])),
    manage: () => publishing(...managing(api, stream), `${api}.STREAM.MSG.DELETE.${stream}`),
  })
}

/** Of a part of a stream reading cannot be denied: `denyFault` refuses that, and here the whole of it is denied. */
export function deniedOnStream(permission: StreamPermission): Subjects {
  const { stream, may, subjects = [] } = permission
  return together(may, {
    view: () =>
      publishing(
        ...everyApiOf(permission).flatMap((api) => [
          `${api}.STREAM.INFO.${stream}`,
          `${api}.STREAM.NAMES`,
          `${api}.STREAM.LIST`,
          `${api}.CONSUMER.NAMES.${stream}`,
          `${api}.CONSUMER.LIST.${stream}`,
          `${api}.CONSUMER.INFO.${stream}.*`,
        ]),
      ),
    read: () => publishing(...anyReading(permission, stream)),
    write: () => publishing(...subjects),
    manage: () => publishing(...anyChange(permission, stream)),
  })
}

const CONSUMER_CHANGES = ['DELETE', 'PAUSE', 'RESET', 'UNPIN'] as const
/** What operators of a cluster do to one. */
const CONSUMER_MOVES = ['LEADER.STEPDOWN', 'PEER.REMOVE', 'PEER.EVACUATE'] as const

export function allowedOnConsumer(permission: ConsumerPermission): Subjects {
  const { stream, consumer, may, domain } = permission
  const api = apiOf(permission)
  const named = `${stream}.${consumer}`
  return together(may, {
    use: () =>
      publishing(
        `${api}.CONSUMER.INFO.${named}`,
        `${api}.CONSUMER.MSG.NEXT.${named}`,
        ...acks(stream, consumer, domain),
        ...flowControl(stream, consumer, domain),
      ),
    manage: () =>
      publishing(
        `${api}.INFO`,
        `${api}.CONSUMER.INFO.${named}`,
        ...creating(api, permission),
        // One that has no name in the subject may have any in its body.
        ...(consumer === '*' ? [`${api}.CONSUMER.CREATE.${stream}`] : []),
        ...CONSUMER_CHANGES.map((change) => `${api}.CONSUMER.${change}.${named}`),
      ),
  })
}

export function deniedOnConsumer(permission: ConsumerPermission): Subjects {
  const { stream, consumer, may } = permission
  const apis = everyApiOf(permission)
  const named = `${stream}.${consumer}`
  return together(may, {
    use: () =>
      publishing(...apis.map((api) => `${api}.CONSUMER.MSG.NEXT.${named}`), ...acks(stream, consumer)),
    manage: () =>
      publishing(
        ...apis.flatMap((api) => [
          // In the oldest form the name stands in the body, and it can be that of any consumer.
          `${api}.CONSUMER.CREATE.${stream}`,
          ...creating(api, permission),
          ...[...CONSUMER_CHANGES, ...CONSUMER_MOVES].map((change) => `${api}.CONSUMER.${change}.${named}`),
        ]),
      ),
  })
}

function creating(api: string, { stream, consumer }: ConsumerPermission): readonly string[] {
  const named = `${stream}.${consumer}`
  return [
    `${api}.CONSUMER.CREATE.${named}`,
    `${api}.CONSUMER.CREATE.${named}.>`,
    `${api}.CONSUMER.DURABLE.CREATE.${named}`,
  ]
}
