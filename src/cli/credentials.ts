import type { Body } from './body.ts'
import type { Inputs } from './inputs.ts'
import { misused } from './options.ts'

/**
 * The flags of `user update-credentials`: its field is a list of things that hold secrets, which no flag of a schema
 * can say. Without any of them a person at a terminal is asked for a password.
 */
export const CREDENTIAL_FLAGS = [
  ['--password-file <file>', 'a file with the password, or - for standard input; without it a terminal asks'],
  ['--nkey <public-key>', 'a user public key (U…), whose seed proves the user'],
  ['--label <text>', 'What it is for, for people.'],
  ['--ttl <duration>', 'How long it is valid. Absent: until it is revoked.'],
] as const

export interface CredentialFlags {
  readonly passwordFile?: string | undefined
  readonly nkey?: string | undefined
  readonly label?: string | undefined
  readonly ttl?: string | undefined
}

export const CREDENTIALS_COMMAND = 'user.update-credentials'
export const CREDENTIALS_EXAMPLE = '--password-file password.txt'

/** Puts what the flags say, or what is typed, in place of the list. A list from a document stands when neither is there. */
export async function withCredentials(body: Body, flags: CredentialFlags, inputs: Inputs): Promise<Body> {
  const { passwordFile, nkey, label, ttl } = flags
  const about = { ...(label !== undefined && { label }), ...(ttl !== undefined && { ttl }) }
  const password =
    passwordFile !== undefined
      ? await inputs.secret(passwordFile)
      : nkey === undefined && body['credentials'] === undefined
        ? await inputs.ask('Password')
        : undefined
  const credentials = [
    ...(password === undefined ? [] : [{ kind: 'password', password, ...about }]),
    ...(nkey === undefined ? [] : [{ kind: 'nkey', publicKey: nkey, ...about }]),
  ]
  if (credentials.length > 0) return { ...body, credentials }
  if (body['credentials'] !== undefined) return body
  throw misused(
    '--password-file',
    'is missing: name a file with the password, or - for standard input, or an --nkey',
  )
}
