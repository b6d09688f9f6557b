import {
  anyChange,
  anyConsumer,
  anyReading,
  apiOf,
  everyApiOf,
  getting,
  managing,
  opening,
  publishing,
  pushed,
  removing,
  together,
  type InJetStream,
  type Subjects,
} from './semantic-api.ts'

export const KV_ACTIONS = ['read', 'write', 'watch', 'manage'] as const
export const OBJECT_ACTIONS = ['read', 'write', 'watch', 'manage'] as const

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

/** Who has some keys only opens nothing: how a bucket is tells the names of all its keys. */
export function allowedOnKv(permission: KvPermission): Subjects {
  const { kv, may, keys, domain, prefix } = permission
  const api = apiOf(permission)
  const stream = `KV_${kv}`
  const subjects = keys?.map((key) => `$KV.${kv}.${key}`)
  const first = subjects === undefined ? opening(api, stream) : []
  // Clients write into a domain, or behind an import, through its API.
  const isElsewhere = domain !== undefined || prefix !== undefined
  return together(may, {
    read: () =>
      publishing(
        ...first,
        ...(subjects?.map((subject) => `${api}.DIRECT.GET.${stream}.${subject}`) ?? getting(api, stream)),
      ),
    write: () =>
      publishing(
        ...first,
        ...(subjects ?? [`$KV.${kv}.>`]).map((subject) => (isElsewhere ? `${api}.${subject}` : subject)),
      ),
    watch: () => publishing(...first, ...pushed(permission, stream, subjects)),
    manage: () => publishing(...managing(api, stream)),
  })
}

/** What is put can be heard by whoever may subscribe to it, before it is stored. */
export function deniedOnKv(permission: KvPermission): Subjects {
  const { kv, may, keys = ['>'] } = permission
  const stream = `KV_${kv}`
  const everywhere = (key: string): readonly string[] =>
    ['', ...everyApiOf(permission).map((api) => `${api}.`)].map((at) => `${at}$KV.${kv}.${key}`)
  const subscribe = everywhere('>')
  return together(may, {
    read: () => ({ publish: anyReading(permission, stream), subscribe }),
    write: () => publishing(...keys.flatMap(everywhere), ...removing(permission, stream)),
    watch: () => ({ publish: anyConsumer(permission, stream), subscribe }),
    manage: () => publishing(...anyChange(permission, stream)),
  })
}

/** Parts of objects are messages of `$O.<bucket>.C`, what is told about them of `$O.<bucket>.M`, in every domain. */
export function allowedOnObjects(permission: ObjectPermission): Subjects {
  const { object, may } = permission
  const api = apiOf(permission)
  const stream = `OBJ_${object}`
  const [parts, about] = [`$O.${object}.C.*`, `$O.${object}.M.*`]
  const first = opening(api, stream)
  return together(may, {
    read: () => publishing(...first, ...getting(api, stream), ...pushed(permission, stream, [parts])),
    write: () =>
      publishing(
        ...first,
        // What was there before is looked up, and its parts are purged.
        `${api}.DIRECT.GET.${stream}.${about}`,
        `${api}.STREAM.PURGE.${stream}`,
        parts,
        about,
      ),
    watch: () =>
      publishing(
        ...first,
        `${api}.DIRECT.GET.${stream}.${about}`,
        ...pushed(permission, stream, [`$O.${object}.M.>`]),
      ),
    manage: () => publishing(...managing(api, stream)),
  })
}

export function deniedOnObjects(permission: ObjectPermission): Subjects {
  const { object, may } = permission
  const stream = `OBJ_${object}`
  const subscribe = [`$O.${object}.>`]
  return together(may, {
    read: () => ({ publish: anyReading(permission, stream), subscribe }),
    write: () => publishing(`$O.${object}.>`, ...removing(permission, stream)),
    watch: () => ({ publish: anyConsumer(permission, stream), subscribe }),
    manage: () => publishing(...anyChange(permission, stream)),
  })
}
