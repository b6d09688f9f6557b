/** The bucket that holds the aggregates, and its keys: architecture section 6. */
export const BUCKET = 'gatehouse'

export const OPERATOR_KEY = 'operator'
export const accountKey = (account: string): string => `account.${account}`
export const userKey = (account: string, user: string): string => `user.${account}.${user}`
export const policyKey = (policy: string): string => `policy.${policy}`
export const sealedKey = (publicKey: string): string => `key.${publicKey}`

/** Names may hold what a KV key may not (`@`, non-ASCII letters), so they are written in base64url. */
const encoded = (name: string): string => Buffer.from(name).toString('base64url')

export const accountNameKey = (name: string): string => `index.account-name.${encoded(name)}`
/** The account comes last, so that one filter finds a login name in every account: `index.username.<name>.*`. */
export const usernameKey = (name: string, account: string): string =>
  `index.username.${encoded(name)}.${account}`
export const usernameFilter = (name: string): string => usernameKey(name, '*')
export const policyNameKey = (scope: string, name: string): string =>
  `index.policy-name.${scope}.${encoded(name)}`

/** From what a credential shows on the wire to its user: the hash of a token, the public key of an nkey. */
export const tokenKey = (hash: string): string => `index.token.${hash}`
export const nkeyKey = (publicKey: string): string => `index.nkey.${publicKey}`

/** What an index entry that leads to a user holds. */
export interface UserReference {
  readonly account: string
  readonly user: string
}
