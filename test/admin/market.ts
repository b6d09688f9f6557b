import type { NatsConnection } from '@nats-io/transport-node'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { openDoor, type Door } from './door.ts'

/** Two accounts that give each other things, with somebody of each who may do everything in it. */
export interface Market extends AsyncDisposable {
  readonly world: World
  readonly door: Door
  /** A… keys, by name. */
  readonly keys: Readonly<Record<'SELLER' | 'BUYER', string>>
  exported(exports: readonly object[]): ReturnType<Door['done']>
  imported(imports: readonly object[]): ReturnType<Door['done']>
  /** An activation of `secrets.>` for the buyer, unless the facts say otherwise. */
  activate(facts?: object): Promise<string>
  /** Subjects that reach the buyer, in order. */
  hearing(subject: string): string[]
  /** Publishes as the seller until the buyer has heard it. */
  arrives(heard: readonly string[], subject: string, asWritten?: string): Promise<void>
  readonly seller: NatsConnection
  readonly buyer: NatsConnection
}

export const PUBLIC = { subject: 'news.>', type: 'stream', access: 'public' }
export const PRIVATE = { name: 'secrets', subject: 'secrets.>', type: 'stream', access: 'private' }
export const fromSeller = (facts: object) => ({ account: 'SELLER', type: 'stream', ...facts })

export async function openMarket(): Promise<Market> {
  const world = await openWorld()
  const door = await openDoor(world)
  const everything = { publish: { allow: ['>'] }, subscribe: { allow: ['>'] }, responses: {} }
  await door.done('policy.create', { name: 'all', ...everything })
  const memberOf = async (name: string) => {
    const { account } = await door.done('account.create', { name, defaultPolicy: 'all' })
    const { token } = await door.newcomer(name, 'member')
    await door.becomes(token, 'in')
    return { key: String(account), nc: await door.enter(token) }
  }
  const [{ key: SELLER, nc: seller }, { key: BUYER, nc: buyer }] = [
    await memberOf('SELLER'),
    await memberOf('BUYER'),
  ]
  return {
    world,
    door,
    seller,
    buyer,
    keys: { SELLER, BUYER },
    exported: (exports) => door.done('account.update-exports', { account: 'SELLER', exports, force: true }),
    imported: (imports) => door.done('account.update-imports', { account: 'BUYER', imports }),
    async activate(facts = {}) {
      const asked = { account: 'SELLER', export: 'secrets.>', for: 'BUYER', ...facts }
      return String((await door.done('account.create-activation', asked))['activation'])
    },
    hearing(subject) {
      const heard: string[] = []
      buyer.subscribe(subject, { callback: (_, message) => void heard.push(message.subject) })
      return heard
    },
    async arrives(heard, subject, asWritten = subject) {
      await eventually(async () => {
        seller.publish(subject)
        await seller.flush()
        await buyer.flush()
        return heard.includes(asWritten)
      })
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
}
