import nacl from 'tweetnacl'

/** `nacl.lowlevel` is exported by tweetnacl 1.x but missing from its types. */
interface Lowlevel {
  crypto_core_hsalsa20(out: Uint8Array, input: Uint8Array, key: Uint8Array, sigma: Uint8Array): void
}
const { lowlevel } = nacl as unknown as { readonly lowlevel: Lowlevel }

const SIGMA = Buffer.from('expand 32-byte k', 'latin1')
const ZEROS = new Uint8Array(16)

/** What NaCl's `crypto_box_beforenm` does after the key agreement: the shared point becomes a key. */
export function hsalsa20(shared: Uint8Array): Uint8Array {
  const key = new Uint8Array(32)
  lowlevel.crypto_core_hsalsa20(key, ZEROS, shared, SIGMA)
  return key
}
