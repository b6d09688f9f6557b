import { createServer, type IncomingMessage, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import type { Address } from './config.ts'

export interface HttpOptions {
  readonly listen: Address
  readonly metrics: Registry
  /** Can this replica do its work now? Undefined: yes; otherwise what is missing. */
  readonly unready: () => Promise<string | undefined>
}

export interface HttpServer extends AsyncDisposable {
  readonly url: string
}

interface Reply {
  readonly status: number
  readonly type: string
  readonly body: string
}

function text(status: number, body: string): Reply {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` }
}

/** `/metrics` for Prometheus, `/healthz` (the process lives) and `/readyz` (it can decide). */
export async function serveHttp({ listen, metrics, unready }: HttpOptions): Promise<HttpServer> {
  const server: Server = createServer((request, response) => {
    // Whatever comes in and whatever fails, the process that lets people in goes on.
    void respond(request)
      .catch(() => text(500, 'this failed: the log may say why'))
      .then(({ status, type, body }) => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', allow: 'GET, HEAD' })
        response.end(request.method === 'HEAD' ? '' : body)
      })
  })

  async function respond({ method, url = '/' }: IncomingMessage): Promise<Reply> {
    if (method !== 'GET' && method !== 'HEAD') return text(405, 'only GET and HEAD')
    switch (url.split('?')[0]) {
      case '/metrics':
        return { status: 200, type: metrics.contentType, body: await metrics.metrics() }
      case '/healthz':
        return text(200, 'ok')
      case '/readyz': {
        const missing = await unready()
        return missing === undefined ? text(200, 'ready') : text(503, missing)
      }
      default:
        return text(404, 'not found: try /metrics, /healthz or /readyz')
    }
  }

  server.listen(listen.port, listen.host.replace(/^\[(.*)\]$/, '$1'))
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${listen.host}:${port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
