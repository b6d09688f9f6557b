import type { Session } from './session.ts'

/** Texts and lists that are kept once. Beyond, what is kept is forgotten, and kept anew as it comes. */
const KEPT_MAX = 100_000

/**
 * Of a hundred thousand sessions most say the same of account, policies and grant: what comes from the bucket is read
 * anew for each, and is kept once here.
 */
export class Interning {
  readonly #texts = new Map<string, string>()
  readonly #facts = new Map<string, unknown>()

  of(session: Session): Session {
    return {
      ...session,
      server: this.#text(session.server),
      account: this.#text(session.account),
      user: this.#text(session.user),
      name: this.#text(session.name),
      credential: this.#text(session.credential),
      grantHash: this.#text(session.grantHash),
      permissionsHash: this.#text(session.permissionsHash),
      policies: this.#fact(session.policies),
      roles: this.#fact(session.roles),
      client: this.#fact(session.client),
      seen: this.#fact(session.seen),
    }
  }

  #text(text: string): string {
    return once(this.#texts, text, text)
  }

  #fact<Value extends object>(value: Value): Value {
    return once(this.#facts as Map<string, Value>, JSON.stringify(value), value)
  }
}

function once<Value>(kept: Map<string, Value>, key: string, value: Value): Value {
  const known = kept.get(key)
  if (known !== undefined) return known
  if (kept.size >= KEPT_MAX) kept.clear()
  kept.set(key, value)
  return value
}
