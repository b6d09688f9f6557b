import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { GatehouseError } from '../errors.ts'
import type { Random } from './crypto.ts'

const MASTER_KEY_BYTES = 32
const OTHERS = 0o077

/**
 * The 32 bytes of a master key from text: base64, base64url or hex, white space around it ignored.
 * Throws `invalid_configuration` without the value.
 */
export function parseMasterKey(text: string): Uint8Array {
  const trimmed = text.trim()
  for (const encoding of ['hex', 'base64', 'base64url'] as const) {
    const bytes = Buffer.from(trimmed, encoding)
    if (bytes.length === MASTER_KEY_BYTES && isTextOf(trimmed, bytes, encoding)) return bytes
  }
  throw new GatehouseError(
    'invalid_configuration',
    `The master key must be ${MASTER_KEY_BYTES} bytes in base64, base64url or hex`,
  )
}

/**
 * The master key in a file. Throws `invalid_configuration` when the file is missing or malformed, and, where
 * files have modes, when anybody but its owner may touch it.
 */
export function readMasterKey(path: string): Uint8Array {
  const file = openFile(path)
  try {
    // Windows reports modes it does not enforce.
    if (process.platform !== 'win32' && (fstatSync(file).mode & OTHERS) !== 0) {
      throw new GatehouseError(
        'invalid_configuration',
        `The master key file ${path} is open to its group or to everyone; give it to its owner alone (chmod 600)`,
      )
    }
    return parseMasterKey(readFileSync(file, 'utf8'))
  } finally {
    closeSync(file)
  }
}

/** Makes a master key in a new file that only its owner can read. Throws `already_exists` rather than overwrite. */
export function createMasterKey(path: string, random: Random = randomBytes): Uint8Array {
  const bytes = Buffer.from(random(MASTER_KEY_BYTES))
  const file = createFile(path)
  try {
    writeSync(file, `${bytes.toString('base64url')}\n`)
    fsyncSync(file) // What it seals is useless without it: it has to survive what they survive.
  } finally {
    closeSync(file)
  }
  return bytes
}

/** Decoding ignores what it does not know, so only text that encodes back to itself was really meant. */
function isTextOf(text: string, bytes: Buffer, encoding: 'hex' | 'base64' | 'base64url'): boolean {
  if (encoding === 'hex') return text.toLowerCase() === bytes.toString('hex')
  return text.replace(/=$/, '') === bytes.toString(encoding).replace(/=$/, '')
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (cause) {
    throw new GatehouseError('invalid_configuration', `The master key file ${path} cannot be read`, { cause })
  }
}

function createFile(path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new GatehouseError('already_exists', `The master key file ${path} already exists`, { cause })
    }
    throw new GatehouseError('invalid_configuration', `The master key file ${path} cannot be created`, {
      cause,
    })
  }
}
