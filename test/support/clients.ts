import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import type { NatsConnection } from '@nats-io/transport-node'
import { WebSocket } from 'ws'
import type { Connection } from '../../src/sessions/session.ts'

/** What a client writes after CONNECT. */
export type ConnectOptions = Readonly<Record<string, unknown>>

export interface Delivered {
  readonly subject: string
  readonly reply: string | undefined
  readonly text: string
}

/** Bytes to and from a server, whatever carries them. */
interface Stream {
  write(text: string): void
  end(): void
  onData(take: (bytes: Buffer) => void): void
  onEnd(take: () => void): void
}

interface Info {
  readonly nonce?: string
  readonly server_id?: string
  readonly client_id?: number
}

/** A client without a client library: the NATS protocol by hand. */
export class WireClient implements AsyncDisposable {
  readonly delivered: Delivered[] = []
  /** The text of every `-ERR`. */
  readonly errors: string[] = []
  /** What the server wants signed; empty until it has said. */
  nonce = ''
  /** Where it is connected; empty until the server has said. */
  connection: Connection = { server: '', cid: 0 }
  readonly ended: Promise<void>
  #received = ''
  #pongs = 0
  #isOver = false
  readonly #stream: Stream
  readonly #waiting = new Set<() => void>()

  constructor(stream: Stream) {
    this.#stream = stream
    this.ended = new Promise((resolve) => {
      stream.onEnd(() => {
        this.#isOver = true
        this.#wake()
        resolve()
      })
    })
    stream.onData((bytes) => {
      this.#received += bytes.toString('latin1')
      while (this.#take());
      this.#wake()
    })
  }

  /** Sends CONNECT and PING. Resolves when the server has let us in; rejects when it has not. */
  async connect(options: ConnectOptions): Promise<void> {
    const said = { verbose: false, pedantic: false, lang: 'by hand', version: '0', protocol: 1, ...options }
    this.write(`CONNECT ${JSON.stringify(said)}\r\n`)
    await this.settle()
  }

  write(text: string): void {
    this.#stream.write(text)
  }

  publish(subject: string, text: string, reply = ''): void {
    this.write(`PUB ${subject} ${reply} ${Buffer.byteLength(text)}\r\n${text}\r\n`)
  }

  subscribe(subject: string, { queue = '', sid = subject }: { queue?: string; sid?: string } = {}): void {
    this.write(`SUB ${subject} ${queue} ${sid}\r\n`)
  }

  /** PING, and its PONG: the server has dealt with everything written before. Rejects when the connection ends. */
  async settle(): Promise<void> {
    const wanted = this.#pongs + 1
    this.write('PING\r\n')
    await this.until(() => this.#pongs >= wanted)
  }

  /** Rejects when the connection ends before the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#isOver) throw new Error(`the server ended the connection: ${this.errors.join(', ')}`)
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.end()
    await this.ended
  }

  #takeInfo({ nonce = '', server_id, client_id }: Info): void {
    this.nonce ||= nonce
    if (server_id !== undefined)
      this.connection = { server: server_id, cid: client_id ?? this.connection.cid }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  /** Takes one line, with its payload, off what was received. */
  #take(): boolean {
    const end = this.#received.indexOf('\r\n')
    if (end === -1) return false
    const [word = '', ...args] = this.#received.slice(0, end).split(' ')
    let next = end + 2
    if (word === 'MSG') {
      const length = Number(args.at(-1))
      if (this.#received.length < next + length + 2) return false
      const text = Buffer.from(this.#received.slice(next, next + length), 'latin1').toString()
      this.delivered.push({ subject: args[0] ?? '', reply: args.length === 4 ? args[2] : undefined, text })
      next += length + 2
    }
    if (word === 'INFO') this.#takeInfo(JSON.parse(args.join(' ')) as Info)
    if (word === 'PONG') this.#pongs += 1
    if (word === 'PING') this.write('PONG\r\n')
    if (word === '-ERR') this.errors.push(args.join(' '))
    this.#received = this.#received.slice(next)
    return true
  }
}

/** A TCP connection on which nothing has been said yet. `from`: another address of this machine, such as 127.0.0.2. */
export async function openTcp(port: number, host = '127.0.0.1', from?: string): Promise<WireClient> {
  const socket = connectTcp({ port, host, ...(from !== undefined && { localAddress: from }) })
  socket.on('error', () => undefined) // A server that ends a connection may reset it.
  socket.setNoDelay(true) // What waits for an answer does not wait for a full packet too.
  const client = new WireClient({
    write: (text) => void socket.write(text),
    end: () => socket.destroy(),
    onData: (take) => socket.on('data', take),
    onEnd: (take) => socket.once('close', take),
  })
  await once(socket, 'connect')
  return client
}

/** The same over WebSocket. */
export async function openWebSocket(port: number): Promise<WireClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  socket.on('error', () => undefined)
  const client = new WireClient({
    write: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(Buffer.from(text))
    },
    end: () => socket.terminate(),
    onData: (take) => socket.on('message', take),
    onEnd: (take) => socket.once('close', take),
  })
  await once(socket, 'open')
  return client
}

/** Sends a command as whoever the connection is. Rejects with the code of its error. */
export async function command(
  nc: NatsConnection,
  name: string,
  request: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const reply = await nc.request(`auth.v1.${name}`, JSON.stringify(request), { timeout: 10_000 })
  const body = reply.json<Readonly<Record<string, unknown>>>()
  if (reply.headers?.has('Nats-Service-Error') === true) throw new Error(JSON.stringify(body['error']))
  return body
}

/** Makes a user with these policies, by commands of an admin. Gives its token. */
export async function createUser(
  admin: NatsConnection,
  account: string,
  user: { readonly name: string; readonly policies?: readonly string[] },
): Promise<string> {
  await command(admin, 'user.create', { account, ...user })
  const { token } = await command(admin, 'user.issue-token', { account, user: user.name })
  return String(token)
}
