import { misused } from './options.ts'

/**
 * Whether a URL of a server, or one of several, has a user or a token in it. What is on a command line or in a context
 * is in histories and lists, and nobody would look for a secret there.
 */
export function hasSecret(servers: string): boolean {
  return servers.includes('@')
}

export const NO_SECRET =
  'must not hold a user or a token: name the file that has it with --token-file, or a creds file with --creds'

/** Throws `invalid_request`; what the URL says is not in it. */
export function refuseSecretIn(servers: string, where: string): void {
  if (hasSecret(servers)) throw misused(where, NO_SECRET)
}
