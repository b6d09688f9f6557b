/** Long enough for an e-mail address, short enough for a log line. Characters. */
export const NAME_LENGTH_MAX = 128

const NKEY = /^[OAUNCX][A-Z2-7]{55}$/

/** Marks are of the letter before them: few names in Hindi have none. */
const VISIBLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]+$/u
/**
 * Drawn as nothing, of which two texts that look alike are made: format characters, halves of surrogate pairs, and what
 * no font has. Hangul fillers are letters to Unicode, and variation selectors are marks.
 */
export const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}]/u

/**
 * Why a name (of an operator, account, user, policy) is not valid, or `undefined` when it is.
 *
 * A user's name becomes the `name` of its JWT and with that its identity on the bus, so it must not pass for an
 * nkey (reference I.1) nor hold what nats-server's scope templates drop silently (reference G). `/` separates
 * account from user at login and paths in an nsc store (reference E). One text has one form, NFC: two that look alike
 * are one name.
 */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'must not be empty'
  if (name.length > NAME_LENGTH_MAX) return `must be at most ${NAME_LENGTH_MAX} characters`
  if (!VISIBLE.test(name)) return 'must not contain spaces or control characters'
  if (UNSEEN.test(name)) return 'must not contain characters that are not seen'
  if (/^\p{M}/u.test(name)) return 'must not begin with a mark, which needs a letter before it'
  if (name !== name.normalize('NFC')) return 'must be in Unicode normal form NFC: letters with marks composed'
  if (/[*>/\\]/.test(name)) return 'must not contain "*", ">", "/" or "\\"'
  if (name.startsWith('.')) return 'must not begin with "."'
  if (NKEY.test(name)) return 'must not look like an nkey'
  return undefined
}
