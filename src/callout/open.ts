import type { Xkey } from '../keys/xkey.ts'
import { Drop } from './reason.ts'

/** A request as it came off the wire. Nobody vouches for any of it yet. */
export interface Incoming {
  readonly data: Uint8Array
  /** Header `Nats-Server-Xkey`: the curve key of the server that boxed the request. */
  readonly serverXkey: string | undefined
}

/** A request that was opened. `replyTo` is the curve key the answer must be boxed for, if the request was boxed. */
export interface Opened {
  readonly token: string
  readonly replyTo: string | undefined
}

/** Bytes. CONNECT is at most one control line (16 KiB in nats-server.conf), a certificate chain some more. */
export const REQUEST_BYTES_MAX = 128 * 1_024

/**
 * Opens the box (ADR-26, reference A.6). While we have an xkey, a request that is not boxed is a downgrade and is
 * dropped; while we have none, a box cannot be ours.
 */
export function open(incoming: Incoming, xkey: Xkey | undefined): Opened | Drop {
  const { data, serverXkey } = incoming
  if (data.length > REQUEST_BYTES_MAX) return new Drop('oversized')
  if (xkey === undefined) {
    return serverXkey === undefined ? { token: textOf(data), replyTo: undefined } : new Drop('unopenable')
  }
  if (serverXkey === undefined) return new Drop('plaintext')
  const plaintext = xkey.open(data, serverXkey)
  return plaintext === undefined ? new Drop('unopenable') : { token: textOf(plaintext), replyTo: serverXkey }
}

/** A token is ASCII; whatever is not will fail to decode. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
