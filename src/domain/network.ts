/**
 * Networks in CIDR form as the bits that they fix, `4` or `6` before them: one that begins with another is in it, and
 * two of which neither does have nothing in common. Sorted, each comes right behind what holds it.
 */
type Prefix = string

const IPV4_BITS = 32
const IPV6_BITS = 128
/** IPv4-mapped addresses (RFC 4291 section 2.5.5.2): an IPv4 client in the words of a dual-stack listener. */
const MAPPED: Prefix = `6${'0'.repeat(80)}${'1'.repeat(16)}`

/**
 * The networks that both lists hold, without those that lie in another. What is no IPv4 network holds no IPv4 client:
 * `::/0` neither, as in nats-server's own `src`.
 */
export function commonNetworks(left: readonly string[], right: readonly string[]): readonly string[] {
  const common: Prefix[] = []
  const [ours, theirs] = [disjoint(left), disjoint(right)]
  for (let i = 0, j = 0; i < ours.length && j < theirs.length;) {
    const [our, their] = [ours[i] ?? '', theirs[j] ?? '']
    if (our.startsWith(their)) common.push(our)
    else if (their.startsWith(our)) common.push(their)
    // The one that is held goes, the one that holds it may hold the next.
    if (our.startsWith(their) || (!their.startsWith(our) && our < their)) i += 1
    else j += 1
  }
  return common.map(textOf)
}

/** The same networks, each in its shortest spelling, without those that lie in another. */
export function minimalNetworks(networks: readonly string[]): readonly string[] {
  return disjoint(networks).map(textOf)
}

/** Does the list hold the whole network? */
export function holdsNetwork(list: readonly string[], network: string): boolean {
  const prefix = prefixOf(network)
  return list.some((each) => prefix.startsWith(prefixOf(each)))
}

/** For a list that is asked often: is this address, IPv4 or IPv6 without a zone, in one of its networks? */
export function holding(networks: readonly string[]): (address: string) => boolean {
  const prefixes = disjoint(networks)
  return (address) => {
    const prefix = prefixOf(`${address}/${address.includes(':') ? IPV6_BITS : IPV4_BITS}`)
    return prefixes.some((each) => prefix.startsWith(each))
  }
}

/** The bits of an address; IPv6 in any spelling, IPv4 without leading zeros. */
export function bitsOf(address: string): string {
  if (!address.includes(':')) {
    return address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('')
  }
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return groups.map((group) => parseInt(group, 16).toString(2).padStart(16, '0')).join('')
}

function disjoint(networks: readonly string[]): readonly Prefix[] {
  const kept: Prefix[] = []
  for (const prefix of networks.map(prefixOf).sort()) {
    const last = kept.at(-1)
    if (last === undefined || !prefix.startsWith(last)) kept.push(prefix)
  }
  return kept
}

function prefixOf(network: string): Prefix {
  const [address = '', length] = network.split('/')
  const bits = bitsOf(address)
  const prefix = `${bits.length === IPV4_BITS ? 4 : 6}${bits.slice(0, Number(length))}`
  return prefix.startsWith(MAPPED) ? `4${prefix.slice(MAPPED.length)}` : prefix
}

function textOf(prefix: Prefix): string {
  const length = prefix.length - 1
  const isIpv4 = prefix.startsWith('4')
  const bits = prefix.slice(1).padEnd(isIpv4 ? IPV4_BITS : IPV6_BITS, '0')
  if (isIpv4) return `${parted(bits, 8).join('.')}/${length}`
  const groups = parted(bits, 16).map((group) => group.toString(16))
  return `${new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)}/${length}`
}

function parted(bits: string, each: number): readonly number[] {
  return (bits.match(new RegExp(`.{${each}}`, 'g')) ?? []).map((part) => parseInt(part, 2))
}
