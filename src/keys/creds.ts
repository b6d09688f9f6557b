import { GatehouseError } from '../errors.ts'

/** Both parts of a creds file. The seed is a secret: this room alone sees it. */
export interface CredsParts {
  readonly jwt: string
  readonly seed: string
}

/** As nats-io/jwt's `userConfigRE`: three dashes or more on both sides, five to begin and six to end in practice. */
const BLOCK = /-{3,}[^\n]*-{3,}\r?\n\s*([\w\-.=]+)\s*\r?\n-{3,}[^\n]*-{3,}(?:\r?\n|$)/g

/** The text of a creds file as nsc writes it. nats.js wants the newline at the end. */
export function formatCreds({ jwt, seed }: CredsParts): string {
  return `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.
NKEYs are sensitive and should be treated as secrets.

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------

*************************************************************
`
}

/** The JWT and the seed of a creds file. Throws `invalid_key` unless both blocks are there. */
export function parseCreds(text: string): CredsParts {
  const [jwt, seed] = [...text.matchAll(BLOCK)].map((block) => block[1])
  if (jwt === undefined || seed === undefined) {
    throw new GatehouseError(
      'invalid_key',
      'A creds file must have a block with a user JWT and one with a user seed',
    )
  }
  return { jwt, seed }
}
