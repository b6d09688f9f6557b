import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import type { Address, Listener } from '../config.ts'
import { GatehouseError } from '../errors.ts'

/**
 * An address that is free now. One that somebody asked for must be; a default one gives way to a free port.
 * Throws `in_use` with the flag to change.
 */
export async function freeAddress(flag: string, wanted: Listener): Promise<Address> {
  const found = await tryListen(wanted)
  if (found !== undefined) return found
  if (wanted.chosen === 'named' || flag === '--listen') {
    throw new GatehouseError(
      'in_use',
      `${text(wanted)} is taken by another program: choose another with ${flag} HOST:PORT`,
    )
  }
  return freeAddress(flag, { ...wanted, port: 0, chosen: 'named' })
}

export function text({ host, port }: Address): string {
  return `${host}:${port}`
}

async function tryListen({ host, port }: Address): Promise<Address | undefined> {
  const server = createServer()
  try {
    server.listen(port, host.replace(/^\[(.*)\]$/, '$1'))
    await once(server, 'listening')
    return { host, port: (server.address() as AddressInfo).port }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined
    const reason = error instanceof Error ? error.message : String(error)
    throw new GatehouseError('invalid_configuration', `cannot listen on ${text({ host, port })}: ${reason}`)
  } finally {
    server.close()
  }
}
