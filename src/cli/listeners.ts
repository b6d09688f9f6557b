import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Address, Listener } from '../config.ts'
import { GatehouseError } from '../errors.ts'

/**
 * The address to listen on. One that somebody asked for must be free, and so must the one for clients; any other
 * default gives way to port 0, any free one. Throws `in_use` with the flag to change.
 */
export async function availableAddress(flag: string, wanted: Listener): Promise<Address> {
  const { host, port, chosen } = wanted
  if (port === 0 || (await isFree(wanted))) return { host, port }
  if (chosen === 'default' && flag !== '--listen') return { host, port: 0 }
  const message = `${host}:${port} is taken by another program: choose another with ${flag} HOST:PORT`
  throw new GatehouseError('in_use', message)
}

/** As nats-server.conf has it; there -1 is any free port. */
export function natsAddress({ host, port }: Address): string {
  return `${host}:${port === 0 ? -1 : port}`
}

async function isFree({ host, port }: Address): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, host.replace(/^\[(.*)\]$/, '$1'))
    await once(server, 'listening')
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false
    const reason = error instanceof Error ? error.message : String(error)
    throw new GatehouseError('invalid_configuration', `cannot listen on ${host}:${port}: ${reason}`)
  } finally {
    server.close()
  }
}
