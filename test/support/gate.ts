import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Between a client and nats-server: lets through so many of the client's messages, and then nothing any more. */
export interface Gate extends AsyncDisposable {
  readonly url: string
  /** From now on so many messages pass; the next one is held, with all that follows, and `onShut` is told. */
  limit(messages: number, onShut: () => void): void
}

/** `counts` says of a message's subject whether it is one of those that are counted. */
export async function openGate(serverUrl: string, counts: (subject: string) => boolean): Promise<Gate> {
  const { port } = new URL(serverUrl)
  const sockets = new Set<Socket>()
  let left = Infinity
  let shut: (() => void) | undefined
  const mayPass = (subject: string): boolean => {
    if (left >= 0 && !counts(subject)) return true
    left -= 1
    if (left >= 0) return true
    shut?.()
    shut = undefined
    return false
  }
  const listener = createServer((client) => {
    const server = connect(Number(port), '127.0.0.1')
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        client.destroy()
        server.destroy()
      })
    }
    server.pipe(client)
    client.on('data', forwarding(server, mayPass))
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    url: `nats://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    limit(messages, onShut) {
      left = messages
      shut = onShut
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}

/** Reads the protocol as far as it must: where each operation ends, and what a PUB or HPUB is about. */
function forwarding(server: Socket, mayPass: (subject: string) => boolean): (bytes: Buffer) => void {
  let pending = Buffer.alloc(0)
  let isShut = false
  return (bytes) => {
    pending = Buffer.concat([pending, bytes])
    for (;;) {
      const end = pending.indexOf('\r\n')
      if (end === -1 || isShut) return
      const [word = '', subject = '', ...rest] = pending.subarray(0, end).toString('latin1').split(' ')
      const isMessage = word === 'PUB' || word === 'HPUB'
      const length = end + 2 + (isMessage ? Number(rest.at(-1)) + 2 : 0)
      if (pending.length < length) return
      if (isMessage && !mayPass(subject)) {
        isShut = true
        return
      }
      server.write(pending.subarray(0, length))
      pending = pending.subarray(length)
    }
  }
}
