import { createConnection, type Socket } from 'node:net'

/** The least that is a NATS client: it connects with a token, says PING, and comes back when it is cut off. */
export class LoneClient implements Disposable {
  readonly #token: string
  readonly #url: URL
  readonly #heard: Heard
  #socket: Socket
  #isLeaving = false
  /** How often it got in. */
  admissions = 0

  constructor(url: string, token: string, heard: Heard = {}) {
    this.#url = new URL(url)
    this.#token = token
    this.#heard = heard
    this.#socket = this.#connect()
  }

  [Symbol.dispose](): void {
    this.#isLeaving = true
    this.#socket.destroy()
  }

  #connect(): Socket {
    const socket = createConnection(Number(this.#url.port), this.#url.hostname)
    let received = ''
    let isIn = false
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      received = (received + text).slice(-4_096)
      if (isIn && /PING\r\n$/.test(text)) socket.write('PONG\r\n')
      if (isIn || !/PONG\r\n|-ERR/.test(received)) return
      isIn = received.includes('PONG\r\n')
      if (!isIn) this.#heard.refused?.(performance.now())
      else {
        this.admissions += 1
        this.#heard.admitted?.(performance.now())
      }
    })
    const hello = { auth_token: this.#token, lang: 'lone', version: '1', protocol: 1, verbose: false }
    socket.once('data', () => socket.write(`CONNECT ${JSON.stringify(hello)}\r\nPING\r\n`))
    socket.on('error', () => undefined) // Closing follows, and says enough.
    socket.on('close', () => {
      if (isIn) this.#heard.closed?.(performance.now())
      if (!this.#isLeaving && this.#heard.mayReturn?.() !== false) this.#socket = this.#connect()
    })
    return socket
  }
}

/** What happens to a client, each with the time of a clock that never jumps, in milliseconds. */
export interface Heard {
  readonly admitted?: (atMs: number) => void
  readonly refused?: (atMs: number) => void
  /** After it was in. */
  readonly closed?: (atMs: number) => void
  /** Does it come back? Yes, unless this says no. */
  readonly mayReturn?: () => boolean
}

/** The value that so many percent of all stay below. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? NaN
}
