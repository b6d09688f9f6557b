import { COMMAND_NAMES } from '../admin/apply.ts'
import type { Service } from '../admin/snapshot.ts'
import { openClient, type Client, type ClientOptions } from '../nats/client.ts'
import type { Shell } from './shell.ts'
import { targetOf, type TargetFlags } from './target.ts'

/** Connects to where the flags, a context or the environment say. Leaving its scope closes the connection. */
export async function connected(
  flags: TargetFlags,
  shell: Shell,
  {
    timeoutMs,
    isLasting = false,
  }: { timeoutMs?: ClientOptions['timeoutMs'] | undefined; isLasting?: boolean } = {},
): Promise<Client> {
  const target = await targetOf(flags, shell)
  return openClient({ ...target, isLasting, ...(timeoutMs !== undefined && { timeoutMs }) })
}

/** The service at the other end of a connection. */
export function serviceOver(client: Client): Service {
  return {
    request: (name, body) => client.request(name, body),
    offers: (name) => COMMAND_NAMES.has(name),
  }
}
