import { GatehouseError } from '../errors.ts'

/** The bucket that holds the aggregates, and its keys: architecture section 6. */
export const BUCKET = 'gatehouse'

export const OPERATOR_KEY = 'operator'
export const accountKey = (account: string): string => `${ACCOUNT_PREFIX}${token(account)}`
export const userKey = (account: string, user: string): string =>
  `${USER_PREFIX}${token(account)}.${token(user)}`
export const policyKey = (policy: string): string => `${POLICY_PREFIX}${token(policy)}`
export const roleKey = (role: string): string => `${ROLE_PREFIX}${token(role)}`
export const sealedKey = (publicKey: string): string => `key.${token(publicKey)}`

export const ACCOUNT_PREFIX = 'account.'
export const USER_PREFIX = 'user.'
export const POLICY_PREFIX = 'policy.'
export const ROLE_PREFIX = 'role.'
/** Filters: what finds every account, policy, role, seed. A filter is no key, and a key is never one. */
export const EVERY_ACCOUNT = `${ACCOUNT_PREFIX}*`
export const EVERY_POLICY = `${POLICY_PREFIX}*`
export const EVERY_ROLE = `${ROLE_PREFIX}*`
export const EVERY_USER = `${USER_PREFIX}*.*`
export const EVERY_SEALED = 'key.*'
export const usersFilter = (account: string): string => `user.${token(account)}.*`

/** How many users an account has, kept while it has a limit of them. */
export const userCountKey = (account: string): string => `count.users.${token(account)}`

/** An account that was deleted, until nothing is left of it. */
export const deletedKey = (account: string): string => `deleted.${token(account)}`
export const EVERY_DELETED = 'deleted.*'

/** A policy as it was at a version, and who made it so. */
export const policyVersionKey = (policy: string, version: number): string =>
  `policy-version.${token(policy)}.${version}`
export const policyVersionsFilter = (policy: string): string => `policy-version.${token(policy)}.*`

/** What a command that was given an id answered, so that repeating it answers the same. */
export const answerKey = (digest: string): string => `answer.${token(digest)}`

/** Names may hold what a KV key may not (`@`, non-ASCII letters), so they are written in base64url. */
const encoded = (name: string): string => token(Buffer.from(name).toString('base64url'))

export const accountNameKey = (name: string): string => `index.account-name.${encoded(name)}`
/** The account comes last, so that one filter finds a login name in every account: `index.username.<name>.*`. */
export const usernameKey = (name: string, account: string): string =>
  `index.username.${encoded(name)}.${token(account)}`
export const usernameFilter = (name: string): string => `index.username.${encoded(name)}.*`
export const policyNameKey = (scope: string, name: string): string =>
  `index.policy-name.${token(scope)}.${encoded(name)}`

export const roleNameKey = (scope: string, name: string): string =>
  `index.role-name.${token(scope)}.${encoded(name)}`
export const policyNamesFilter = (scope: string): string => `index.policy-name.${token(scope)}.*`
export const roleNamesFilter = (scope: string): string => `index.role-name.${token(scope)}.*`

/** Who uses a policy or a role, so that none that is in use is deleted: `index.use.policy.<id>.user.<A…>.<user>`. */
export const useKey = (what: 'policy' | 'role', id: string, by: string): string =>
  `index.use.${what}.${token(id)}.${by}`
export const useFilter = (what: 'policy' | 'role', id: string): string => `index.use.${what}.${token(id)}.>`
/** The same of the other roles that a role is in. */
export const roleUseFilter = (role: string): string => `index.use.role.${token(role)}.role.*`

/** The policy or the role that such a key says is in use; `undefined` for every other key. */
export function usedKey(key: string): string | undefined {
  const [, what, id = ''] = /^index\.use\.(policy|role)\.([\w-]+)\./.exec(key) ?? []
  if (what === undefined) return undefined
  return what === 'policy' ? policyKey(id) : roleKey(id)
}

/** Never has a value: a place for what a commit asks of other keys. */
export const holdKey = (n: number): string => `hold.${n}`

/** From what a credential shows on the wire to its user: the hash of a token, the public key of an nkey. */
export const tokenKey = (hash: string): string => `index.token.${token(hash)}`
export const nkeyKey = (publicKey: string): string => `index.nkey.${token(publicKey)}`

/** What an index entry that leads to a user holds. */
export interface UserReference {
  readonly account: string
  readonly user: string
}

/** What comes into a key is one token of it, and no wildcard: `*` for an account would read another one. */
function token(text: string): string {
  if (/^[\w-]+$/.test(text)) return text
  throw new GatehouseError('invalid_request', 'an id must be letters, digits, _ or -')
}
