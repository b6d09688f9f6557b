import { z } from 'zod'

/** How replies and events tell what a policy says in the words of streams, buckets and services. */

const may = z.array(z.string()).describe('What may be done.')
const parts = (about: string) => z.array(z.string()).optional().describe(about)
const place = {
  domain: z.string().optional().describe('The JetStream domain.'),
  prefix: z.string().optional().describe('What stands for `$JS.API`.'),
}
const queue = z.string().optional().describe('The queue group.')

const semanticSeen = z.union([
  z.strictObject({ consumer: z.string(), stream: z.string(), may, ...place }),
  z.strictObject({ stream: z.string(), may, subjects: parts('Those that are written or read.'), ...place }),
  z.strictObject({ kv: z.string(), may, keys: parts('Patterns of keys.'), ...place }),
  z.strictObject({ object: z.string(), may, ...place }),
  z.strictObject({ service: z.string(), may, subjects: z.array(z.string()), queue }),
  z.strictObject({ 'request-reply': z.string(), may, queue }),
])

export const semanticListsSeen = {
  allow: z.array(semanticSeen).optional().describe('What is allowed, in words.'),
  deny: z.array(semanticSeen).optional().describe('What is denied, in words.'),
}
