import type { NatsConnection } from '@nats-io/transport-node'
import type { Gossip } from '../sessions/gossip.ts'

const PREFIX = 'gatehouse.gossip.'

/** Gossip over the bus, within the callout account: `gatehouse.gossip.<topic>.<replica>`. */
export class BusGossip implements Gossip {
  readonly #nc: NatsConnection
  readonly #self: string

  /** `self`: one token, another one for every replica and every start of it. */
  constructor(nc: NatsConnection, self: string) {
    this.#nc = nc
    this.#self = self
  }

  tell(topic: string, payload: unknown): void {
    if (this.#nc.isClosed() || this.#nc.isDraining()) return
    this.#nc.publish(`${PREFIX}${topic}.${this.#self}`, JSON.stringify(payload))
  }

  hear(topic: string, listener: (payload: unknown, from: string) => void): void {
    this.#nc.subscribe(`${PREFIX}${topic}.*`, {
      callback: (error, message) => {
        const from = message.subject.slice(PREFIX.length + topic.length + 1)
        if (error === null && from !== this.#self) listener(message.json(), from)
      },
    })
  }
}
