import { isIP } from 'node:net'
import { minimalNetworks } from '../domain/network.ts'

/** Where the server does not say where a client comes from, or says it in words that are no address. */
const UNKNOWN = 'unknown'

/**
 * Whom attempts are counted for: an IPv4 address; of an IPv6 address its /64, for that is what one customer has; of
 * an IPv4 address in IPv6 words (RFC 4291 section 2.5.5.2) the IPv4 address.
 */
export function sourceOf(host = ''): string {
  const address = host.replace(/%.*/, '') // A zone says by which link, and nothing of who it is.
  switch (isIP(address)) {
    case 4:
      return address
    case 6:
      return sourceOfIpv6(address)
    default:
      return UNKNOWN
  }
}

function sourceOfIpv6(address: string): string {
  const [alone = ''] = minimalNetworks([`${address}/128`])
  if (!alone.includes(':')) return alone.replace('/32', '')
  return minimalNetworks([`${address}/64`])[0] ?? UNKNOWN
}
