import { isIP } from 'node:net'
import { bitsOf } from '../domain/network.ts'

/** How many bits: one spelling for each number. */
const BITS = /^(?:0|[1-9]\d{0,2})$/

/** Why text is not a network in CIDR form, or `undefined`. Host bits must be zero, or the network is not what it says. */
export function cidrFault(text: string): string | undefined {
  const [address = '', bits = '', ...rest] = text.split('/')
  const version = address.includes('%') ? 0 : isIP(address) // A zone is of one machine, not of a network.
  if (version === 0 || rest.length > 0 || !BITS.test(bits))
    return 'must be a network such as 10.0.0.0/8 or fd00::/8'
  const width = version === 4 ? 32 : 128
  if (Number(bits) > width) return `must have at most ${width} bits`
  const host = bitsOf(address).slice(Number(bits))
  return host.includes('1') ? 'must not have host bits set' : undefined
}
