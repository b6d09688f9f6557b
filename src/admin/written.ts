import { durationText } from '../domain/duration.ts'
import { DEFAULT_POLICY } from './account.ts'
import type { AccountDocument, PolicyDocument, RoleDocument, UserDocument } from './document-schemas.ts'
import type { AccountRecord, PolicyRecord, RoleRecord, UserRecord } from './snapshot.ts'

/**
 * Records and documents in one form: the one in which people write documents and commands take them, with the fields in
 * one order and without those that say nothing. So what is can be held against what should be, field by field.
 */
export type Written = Readonly<Record<string, unknown>>

type PolicyFacts = Pick<
  PolicyDocument,
  'description' | 'publish' | 'subscribe' | 'allow' | 'deny' | 'responses' | 'inbox' | 'limits' | 'delegable'
>
type AccountFacts = Pick<
  AccountDocument,
  'description' | 'limits' | 'defaultPolicy' | 'boundaryPolicy' | 'expiresAt' | 'metadata'
>

/** What an account gives and takes, where its documents and records tell it. */
interface Exchange {
  readonly exports?: readonly Written[] | undefined
  readonly imports?: readonly Written[] | undefined
}

export function writtenPolicy(policy: PolicyFacts | PolicyRecord): Written {
  const { publish, subscribe, allow, deny, responses, inbox } =
    'permissions' in policy ? policy.permissions : policy
  const { description, delegable, limits } = policy
  return told({
    description,
    publish: some({ allow: list(publish.allow), deny: list(publish.deny) }),
    subscribe: some({ allow: list(subscribe.allow), deny: list(subscribe.deny) }),
    allow: list(allow ?? []),
    deny: list(deny ?? []),
    responses: responses && withUnits(responses),
    inbox,
    limits: some(withUnits(limits)),
    delegable: delegable || undefined,
  })
}

export function writtenAccount(account: AccountFacts | AccountRecord): Written {
  const { description, limits, defaultPolicy, boundaryPolicy, expiresAt, metadata } = account
  const { exports = [], imports = [] } = account as Exchange
  // A document that is silent means `base`; of a record it means that there is none.
  const silent = 'id' in account ? null : DEFAULT_POLICY
  return told({
    description,
    limits: some(withUnits(limits)),
    defaultPolicy: defaultPolicy === undefined ? silent : defaultPolicy,
    boundaryPolicy,
    expiresAt,
    metadata: some(metadata),
    exports: list(exports.map(withUnits)),
    imports: list(imports.map(withUnits)),
  })
}

export function writtenUser({
  policies,
  roles,
  metadata,
  expiresAt,
}: Omit<UserDocument, 'name'> | UserRecord): Written {
  return told({ policies: list(policies), roles: list(roles), metadata: some(metadata), expiresAt })
}

export function writtenRole({
  description,
  policies,
  roles = [],
}: Omit<RoleDocument, 'kind'> | RoleRecord): Written {
  return told({ description, policies: list(policies), roles: list(roles) })
}

/** Without the fields that are not there. */
function told(fields: Written): Written {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Undefined for a map that says nothing. */
function some(fields: Written): Written | undefined {
  const rest = told(fields)
  return Object.keys(rest).length === 0 ? undefined : rest
}

function list<Item>(items: readonly Item[]): readonly Item[] | undefined {
  return items.length === 0 ? undefined : [...new Set(items)]
}

/** How a field that is kept in plain units is written: `diskBytes: 1073741824` is `disk: 1GiB`. */
const UNITS = [
  { suffix: 'Bytes', text: sizeText },
  { suffix: 'Seconds', text: (seconds: number) => durationText(seconds * 1_000) },
  { suffix: 'Ms', text: durationText },
] as const

function withUnits(fields: object): Written {
  const written = Object.entries(fields).map(([key, value]: [string, unknown]) => {
    const unit = UNITS.find(({ suffix }) => key.endsWith(suffix))
    if (unit !== undefined && typeof value === 'number') {
      return [key.slice(0, -unit.suffix.length), unit.text(value)] as const
    }
    const isMap = value !== null && typeof value === 'object' && !Array.isArray(value)
    return [key, isMap ? withUnits(value) : value] as const
  })
  return told(Object.fromEntries(written))
}

const SIZES = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
] as const

/** As `size` reads it: `64MiB`, or plain bytes where no unit fits. */
export function sizeText(bytes: number): string | number {
  if (bytes === 0) return bytes
  const unit = SIZES.find(([, each]) => bytes % each === 0)
  return unit === undefined ? bytes : `${bytes / unit[1]}${unit[0]}`
}
