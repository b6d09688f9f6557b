const [OFFSET, PRIME] = [0x81_1c_9d_c5, 0x01_00_01_93]

/**
 * Which of the replicas sees to a key: all of them come to the same answer without asking, and when one goes only what
 * was its own moves (rendezvous hashing). Throws for no replicas.
 */
export function ownerOf(key: string, replicas: readonly string[]): string {
  let [owner, highest] = ['', -1]
  for (const replica of replicas) {
    const weight = hash32(`${replica} ${key}`)
    if (weight > highest || (weight === highest && replica > owner)) [owner, highest] = [replica, weight]
  }
  if (owner === '') throw new RangeError('no replicas')
  return owner
}

/** FNV-1a, 32 bits, with its bits mixed once more: neighbouring keys must not all fall to one replica. */
export function hash32(text: string): number {
  let hash = OFFSET
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), PRIME)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b)
  return (hash ^ (hash >>> 13)) >>> 0
}
