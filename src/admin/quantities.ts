import { z } from 'zod'

/** Numbers and sizes of documents and commands, each within what nats-server can count. */

/** Bytes that a number holds exactly, of the 64 bits that servers have for it: 8 PiB. A larger one they refuse. */
export const BYTES_MAX = Number.MAX_SAFE_INTEGER
/** Servers keep these in 32 bits and cut off the rest: of 2^32 connections they would allow none. */
export const SMALL_MAX = 2 ** 31 - 1

const SIZE = /^(\d+)(B|KiB|MiB|GiB|TiB)$/
const SIZE_RULE = 'must be a number of bytes or a size such as 64KiB, 512MiB or 1GiB'
const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** `512MiB` or a plain number, in bytes, up to so many. */
export function size(max: number): z.ZodType<number, number | string> {
  const rule = `must be at most ${max} bytes`
  return z.union(
    [
      z
        .int({ error: ({ code }) => (code === 'too_big' ? rule : SIZE_RULE), abort: true })
        .nonnegative()
        .max(max, rule),
      z
        .string()
        .regex(SIZE, SIZE_RULE)
        .transform((text) => {
          const [, n, unit = 'B'] = SIZE.exec(text) ?? []
          return Number(n) * (UNIT_BYTES[unit] ?? 1)
        })
        .refine((bytes) => bytes <= max, rule),
    ],
    { error: SIZE_RULE },
  )
}

/** How many of something. */
export const count = z.int().nonnegative()
