import type { Xkey } from '../keys/xkey.ts'
import type { Verified } from './verify.ts'

/** The bytes of a response: boxed for the server that asked, if it boxed its request (reference A.6). */
export function seal(response: string, { replyTo }: Verified, xkey: Xkey | undefined): Uint8Array {
  const plaintext = Buffer.from(response, 'latin1')
  return replyTo === undefined || xkey === undefined ? plaintext : xkey.seal(plaintext, replyTo)
}
