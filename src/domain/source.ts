import { minimalNetworks } from './network.ts'

/**
 * Whom attempts from an address are counted for: itself, when it is IPv4; of an IPv6 address its /64, for that is what
 * one customer has; of an IPv4 address in IPv6 words (RFC 4291 section 2.5.5.2) the IPv4 address.
 */
export function sourceOf(address: string): string {
  if (!address.includes(':')) return address
  const [alone = ''] = minimalNetworks([`${address}/128`])
  return alone.includes(':') ? (minimalNetworks([`${address}/64`])[0] ?? alone) : alone.replace('/32', '')
}
