import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { GatehouseError, type ErrorCode } from '../../src/errors.ts'

interface NkeyVectors {
  readonly message: string
  readonly keys: readonly {
    readonly kind: 'operator' | 'account' | 'user' | 'server' | 'cluster'
    readonly raw: number
    readonly seed: string
    readonly publicKey: string
    readonly signature: string
  }[]
}

interface XkeyVectors {
  readonly sender: { readonly seed: string; readonly publicKey: string }
  readonly recipient: { readonly seed: string; readonly publicKey: string }
  readonly boxes: readonly { readonly plaintext: string; readonly nonce: number; readonly box: string }[]
}

interface JwtVectors {
  readonly issuedAt: number
  readonly tokens: Readonly<Record<string, string>>
  readonly creds: string
}

/** The golden vectors, see test/vectors/generate.ts. */
export const NKEYS = read('nkeys.json') as NkeyVectors
export const XKEYS = read('xkeys.json') as XkeyVectors
export const JWTS = read('jwts.json') as JwtVectors

/** The error that `act` throws on purpose, which must have this code. */
export function refusal(act: () => unknown, code: ErrorCode): GatehouseError {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(GatehouseError)
    expect((error as GatehouseError).code).toBe(code)
    return error as GatehouseError
  }
  throw new Error('nothing was refused')
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../vectors', name), 'utf8'))
}
