import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Between clients and nats-server: lets through so many connections, and keeps the others waiting. */
export interface Turnstile extends AsyncDisposable {
  readonly url: string
  /** From now on so many pass, those that wait before those that come. At first all do. */
  pass(connections: number): void
}

export async function openTurnstile(port: number): Promise<Turnstile> {
  const sockets = new Set<Socket>()
  const waiting: Socket[] = []
  let left = Infinity
  const forward = (): void => {
    for (; left > 0; left -= 1) {
      const client = waiting.shift()
      if (client === undefined) return
      const server = connect(port, '127.0.0.1')
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        sockets.add(one)
        one.on('error', () => undefined)
        one.on('close', () => other.destroy())
        one.pipe(other)
      }
    }
  }
  const listener = createServer((client) => {
    waiting.push(client)
    sockets.add(client)
    client.on('error', () => undefined)
    forward()
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    url: `nats://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    pass(connections) {
      left = connections
      forward()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}
