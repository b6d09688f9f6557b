import { misused } from './options.ts'

export const INBOX_PREFIX_RULE =
  'must be a subject without wildcards, such as _INBOX_01JQ4M9T7B8W5ZXCV2K3N6R0AY'

/** Client libraries put a dot and a random token behind it. */
export function isInboxPrefix(text: string): boolean {
  return /^[^\s.*>]+(?:\.[^\s.*>]+)*$/.test(text)
}

/** Throws `invalid_request` for what is none. */
export function checkedInboxPrefix(text: string, where: string): string {
  if (isInboxPrefix(text)) return text
  throw misused(where, INBOX_PREFIX_RULE)
}
