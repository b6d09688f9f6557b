import { publishing, together, type Subjects } from './semantic-api.ts'

export const SERVICE_ACTIONS = ['request', 'serve'] as const
export const REQUEST_REPLY_ACTIONS = ['request', 'reply'] as const

export interface ServicePermission {
  /** The name of a micro service (ADR-32), for `$SRV`. */
  readonly service: string
  readonly may: readonly (typeof SERVICE_ACTIONS)[number][]
  /** The subjects of its endpoints. */
  readonly subjects: readonly string[]
  /** The queue group in which instances share requests. */
  readonly queue?: string | undefined
}

export interface RequestReplyPermission {
  /** The subject of the requests. */
  readonly 'request-reply': string
  readonly may: readonly (typeof REQUEST_REPLY_ACTIONS)[number][]
  readonly queue?: string | undefined
}

/** One reply to a request, within two minutes: what `responses` means when it says nothing. */
const ONE_REPLY = { max: 1, ttlMs: 120_000 }

const VERBS = ['PING', 'INFO', 'STATS'] as const

export function allowedOnService({ service, may, subjects, queue }: ServicePermission): Subjects {
  return together(may, {
    request: () => publishing(...subjects),
    serve: () => ({
      publish: [],
      subscribe: [
        ...subjects.map((subject) => inGroup(subject, queue)),
        ...VERBS.flatMap((verb) => [`$SRV.${verb}`, `$SRV.${verb}.${service}`, `$SRV.${verb}.${service}.*`]),
      ],
      responses: ONE_REPLY,
    }),
  })
}

/** What asks every service stays: it is others' too. */
export function deniedOnService({ service, may, subjects }: ServicePermission): Subjects {
  return together(may, {
    request: () => publishing(...subjects),
    serve: () => ({
      publish: [],
      subscribe: [
        ...subjects,
        ...VERBS.flatMap((verb) => [`$SRV.${verb}.${service}`, `$SRV.${verb}.${service}.*`]),
      ],
    }),
  })
}

export function allowedOnRequests(permission: RequestReplyPermission): Subjects {
  const { 'request-reply': subject, may, queue } = permission
  return together(may, {
    request: () => publishing(subject),
    reply: () => ({ publish: [], subscribe: [inGroup(subject, queue)], responses: ONE_REPLY }),
  })
}

export function deniedOnRequests({ 'request-reply': subject, may }: RequestReplyPermission): Subjects {
  return together(may, {
    request: () => publishing(subject),
    reply: () => ({ publish: [], subscribe: [subject] }),
  })
}

function inGroup(subject: string, queue: string | undefined): string {
  return queue === undefined ? subject : `${subject} ${queue}`
}
