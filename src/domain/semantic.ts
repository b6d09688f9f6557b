import type { ResponsePermission } from './policy.ts'

/** Where a JetStream API answers: in the account itself, in a domain (`$JS.<domain>.API`), or behind an import. */
interface InJetStream {
  readonly domain?: string | undefined
  /** What an import maps another account's `$JS.API` to. Not beside `domain`. */
  readonly prefix?: string | undefined
}

export const STREAM_ACTIONS = ['view', 'read', 'write', 'manage'] as const
export const CONSUMER_ACTIONS = ['use', 'manage'] as const
export const KV_ACTIONS = ['read', 'write', 'watch', 'manage'] as const
export const OBJECT_ACTIONS = ['read', 'write', 'watch', 'manage'] as const
export const SERVICE_ACTIONS = ['request', 'serve'] as const
export const REQUEST_REPLY_ACTIONS = ['request', 'reply'] as const

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

export interface KvPermission extends InJetStream {
  /** The bucket. */
  readonly kv: string
  readonly may: readonly (typeof KV_ACTIONS)[number][]
  /** Patterns of keys; absent means every key. */
  readonly keys?: readonly string[] | undefined
}

export interface ObjectPermission extends InJetStream {
  /** The bucket. */
  readonly object: string
  readonly may: readonly (typeof OBJECT_ACTIONS)[number][]
}

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

/** What may be done, in the words of what it is done to: architecture section 4. Fields may hold templates. */
export type SemanticPermission =
  | StreamPermission
  | ConsumerPermission
  | KvPermission
  | ObjectPermission
  | ServicePermission
  | RequestReplyPermission

/** What a semantic permission comes to. */
export interface Subjects {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
  readonly responses?: ResponsePermission | undefined
}

const NONE: Subjects = { publish: [], subscribe: [] }

/** The subjects that it takes to do what is allowed, and no others. */
export function allowedSubjects(_permission: SemanticPermission): Subjects {
  return NONE
}

/** The subjects without which what is denied cannot be done, and nothing that other permissions need. */
export function deniedSubjects(_permission: SemanticPermission): Subjects {
  return NONE
}
