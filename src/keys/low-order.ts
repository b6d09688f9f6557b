/**
 * Ed25519 points of small order, sign bit cleared, as libsodium lists them (`ge25519_has_small_order`).
 * Anybody can sign for such a key. OpenSSL takes them, libsodium does not; we do not.
 */
const LOW_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/** Would this Ed25519 public key accept signatures that nobody with a seed made? */
export function isLowOrder(publicKey: Uint8Array): boolean {
  const point = Buffer.from(publicKey)
  point[31] = (point[31] ?? 0) & 0x7f
  return LOW_ORDER.has(point.toString('hex'))
}
