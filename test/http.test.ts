import { once } from 'node:events'
import { connect } from 'node:net'
import { Gauge, Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveHttp, type HttpServer } from '../src/http.ts'

let missing: string | undefined
let fails = false
let server: HttpServer

beforeAll(async () => {
  const metrics = new Registry()
  new Gauge({
    name: 'collected',
    help: 'Fails when told to.',
    registers: [metrics],
    collect() {
      if (fails) throw new Error('hunter2')
      this.set(1)
    },
  })
  const listen = { host: '127.0.0.1', port: 0 }
  server = await serveHttp({ listen, metrics, unready: () => Promise.resolve(missing) })
})
afterAll(() => server[Symbol.asyncDispose]())

/** What a client gets that writes its own request line. */
async function raw(requestLine: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (bytes: Buffer) => (answer += bytes.toString()))
  socket.write(`${requestLine} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  await once(socket, 'close')
  return answer
}

describe('HTTP', () => {
  it.each(['GET //', 'GET ///metrics', 'GET http://', 'GET *', 'GET /%', 'GET /?//', 'HEAD //'])(
    'answers %j, and lives on',
    async (requestLine) => {
      expect(await raw(requestLine)).toMatch(/^HTTP\/1\.1 404 /)
      expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    },
  )

  it.each(['/healthz', '/readyz', '/metrics', '/metrics?name=x'])('serves %s', async (path) => {
    expect((await fetch(server.url + path)).status).toBe(200)
    const head = await raw(`HEAD ${path}`)
    expect(head).toMatch(/^HTTP\/1\.1 200 /)
    expect(head).toMatch(/\r\n\r\n$/)
  })

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses %s', async (method) => {
    const response = await fetch(`${server.url}/metrics`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  it('says what is missing while it is not ready', async () => {
    missing = 'not connected to NATS'
    const response = await fetch(`${server.url}/readyz`)
    expect([response.status, await response.text()]).toEqual([503, 'not connected to NATS\n'])
    missing = undefined
  })

  it('answers 500 to what fails inside, without saying what, and lives on', async () => {
    fails = true
    const response = await fetch(`${server.url}/metrics`)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('hunter2')
    fails = false
    expect((await fetch(`${server.url}/metrics`)).status).toBe(200)
  })
})
