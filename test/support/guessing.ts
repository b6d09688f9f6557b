import type { NatsConnection } from '@nats-io/transport-node'
import { command, createUser, openTcp } from './clients.ts'
import type { World } from './world.ts'

/** The password of everybody made here. */
export const RIGHT = 'correct horse battery staple'
/** Two addresses of this machine. */
export const [HERE, THERE] = ['127.0.0.1', '127.0.0.2']

/** One try with a password: was it let in? */
export async function tries(world: World, user: string, pass: string, from = HERE): Promise<boolean> {
  await using client = await openTcp(world.server.ports.nats, '127.0.0.1', from)
  const isInside = await client.connect({ user, pass }).then(
    () => true,
    () => false,
  )
  return isInside // Awaited above: leaving the scope ends the client.
}

/** Tries so many wrong ones, one after the other. */
export async function guesses(world: World, user: string, times: number, from = HERE): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    if (await tries(world, user, `wrong ${n}`, from)) throw new Error(`${user} was let in with a guess`)
  }
}

/** Makes somebody of ORDERS with a password. Gives a token of theirs. */
export async function withPassword(admin: NatsConnection, name: string): Promise<string> {
  const token = await createUser(admin, 'ORDERS', { name, policies: ['developer'] })
  const credentials = [{ kind: 'password', password: RIGHT }]
  await command(admin, 'user.update-credentials', { account: 'ORDERS', user: name, credentials })
  return token
}
