/** Long enough for an e-mail address, short enough for a log line. Characters. */
export const NAME_LENGTH_MAX = 128

const NKEY = /^[OAUNCX][A-Z2-7]{55}$/

/**
 * Why a name (of an operator, account, user, policy) is not valid, or `undefined` when it is.
 *
 * A user's name becomes the `name` of its JWT and with that its identity on the bus, so it must not pass for an
 * nkey (reference I.1) nor hold what nats-server's scope templates drop silently (reference G). `/` separates
 * account from user at login and paths in an nsc store (reference E).
 */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'must not be empty'
  if (name.length > NAME_LENGTH_MAX) return `must be at most ${NAME_LENGTH_MAX} characters`
  if (!/^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(name)) return 'must not contain spaces or control characters'
  if (/[*>/\\]/.test(name)) return 'must not contain "*", ">", "/" or "\\"'
  if (name.startsWith('.')) return 'must not begin with "."'
  if (NKEY.test(name)) return 'must not look like an nkey'
  return undefined
}
