import type { Subjects } from './semantic-api.ts'
import {
  allowedOnKv,
  allowedOnObjects,
  deniedOnKv,
  deniedOnObjects,
  type KvPermission,
  type ObjectPermission,
} from './semantic-buckets.ts'
import {
  allowedOnRequests,
  allowedOnService,
  deniedOnRequests,
  deniedOnService,
  type RequestReplyPermission,
  type ServicePermission,
} from './semantic-services.ts'
import {
  allowedOnConsumer,
  allowedOnStream,
  deniedOnConsumer,
  deniedOnStream,
  type ConsumerPermission,
  type StreamPermission,
} from './semantic-streams.ts'

/** What may be done, in the words of what it is done to: architecture section 4. Fields may hold templates. */
export type SemanticPermission =
  | StreamPermission
  | ConsumerPermission
  | KvPermission
  | ObjectPermission
  | ServicePermission
  | RequestReplyPermission

export type { Subjects }

/** The subjects that it takes to do what is allowed with the JetStream API of 2.12 and later, and no others. */
export function allowedSubjects(permission: SemanticPermission): Subjects {
  if ('consumer' in permission) return allowedOnConsumer(permission)
  if ('stream' in permission) return allowedOnStream(permission)
  if ('kv' in permission) return allowedOnKv(permission)
  if ('object' in permission) return allowedOnObjects(permission)
  if ('service' in permission) return allowedOnService(permission)
  return allowedOnRequests(permission)
}

/** The subjects without which what is denied cannot be done, and nothing that other permissions need. */
export function deniedSubjects(permission: SemanticPermission): Subjects {
  if ('consumer' in permission) return deniedOnConsumer(permission)
  if ('stream' in permission) return deniedOnStream(permission)
  if ('kv' in permission) return deniedOnKv(permission)
  if ('object' in permission) return deniedOnObjects(permission)
  if ('service' in permission) return deniedOnService(permission)
  return deniedOnRequests(permission)
}

/** What nats-server would not hold anybody to, and where. `undefined` when there is nothing. */
export interface Unenforceable {
  readonly field: string
  readonly rule: string
}

const WHERE_RULE =
  'must not be said in a deny: to the servers of a domain it is $JS.API, and such a deny does not hold there; leave it out, and it is denied in all'
const PART_RULE =
  'must not be said in a deny of reading or watching: nats-server does not see which part a consumer reads; deny the whole, or allow no more than what may be read'
const GROUP_RULE = 'must not be said in a deny: outside of the group it could be served all the same'
const WATCH_RULE =
  'must not deny watch alone: whoever may read objects makes consumers, as whoever watches does; deny read'
const LAST_TOKEN_RULE =
  'must not end in * where it says what is read or watched: nats-server takes a request for > there as one that * allows; write > if that is meant, or whole subjects'
const SELF_RULE =
  'must not have request beside serve or reply: whoever answers its own requests may publish anywhere, whatever is denied; give them to different users'

/** Why an allow would give more than it says. */
export function allowFault(permission: SemanticPermission): Unenforceable | undefined {
  if (answersItself(permission.may)) return { field: 'may', rule: SELF_RULE }
  const parts = partsOf(permission)
  if (parts === undefined || !reads(permission.may)) return undefined
  const index = parts.of.findIndex((part) => part === '*' || part.endsWith('.*'))
  return index === -1 ? undefined : { field: `${parts.field}[${index}]`, rule: LAST_TOKEN_RULE }
}

/** Why a deny would leave what it denies possible. */
export function denyFault(permission: SemanticPermission): Unenforceable | undefined {
  if ('domain' in permission && permission.domain !== undefined) return { field: 'domain', rule: WHERE_RULE }
  if ('queue' in permission && permission.queue !== undefined) return { field: 'queue', rule: GROUP_RULE }
  const parts = partsOf(permission)
  if (parts !== undefined && reads(permission.may)) return { field: parts.field, rule: PART_RULE }
  if ('object' in permission && permission.may.includes('watch') && !permission.may.includes('read'))
    return { field: 'may', rule: WATCH_RULE }
  return undefined
}

/** What is said of a part only: of some keys, or of some subjects. */
function partsOf(
  permission: SemanticPermission,
): { readonly field: 'keys' | 'subjects'; readonly of: readonly string[] } | undefined {
  if ('kv' in permission && permission.keys !== undefined) return { field: 'keys', of: permission.keys }
  if ('stream' in permission && 'subjects' in permission && permission.subjects !== undefined)
    return { field: 'subjects', of: permission.subjects }
  return undefined
}

/** nats-server lets an answer through every deny (reference B.2), and whoever asks says where it goes. */
function answersItself(may: readonly string[]): boolean {
  return may.includes('request') && (may.includes('serve') || may.includes('reply'))
}

function reads(may: readonly string[]): boolean {
  return may.includes('read') || may.includes('watch')
}
