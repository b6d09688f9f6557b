import { z } from 'zod'
import type { StateStore, Stored } from './state-store.ts'

/** What every list accepts: a page at a time, from where the last one ended. */
export const paging = {
  limit: z.int().min(1).max(500).default(100).describe('How many at most.'),
  after: z.int().nonnegative().default(0).describe('The `next` of the page before.'),
}

export interface Paging {
  readonly limit: number
  readonly after: number
}

type ListPage<Seen> = {
  /** Each with the revision that `ifRevision` asks for. */
  readonly items: readonly (Seen & { readonly revision: number })[]
  readonly next?: number | undefined
}

/** In characters: a page of large ones ends early, or it would not fit the one message that a reply is (1 MiB). */
export const LENGTH_MAX = 256 * 1_024

/** A page of what is stored under a filter, each as callers may see it; `undefined` is what they may not. */
export async function listing<Seen extends object>(
  store: Pick<StateStore, 'page'>,
  { filter, limit, after }: Paging & { readonly filter: string },
  see: (stored: Stored) => Promise<Seen | undefined> | Seen | undefined,
): Promise<ListPage<Seen>> {
  const items: (Seen & { readonly revision: number })[] = []
  let [length, left, from] = [0, limit, after as number | undefined]
  while (from !== undefined && left > 0) {
    const { entries, next } = await store.page(filter, { after: from, limit: left })
    for (const stored of entries) {
      const seen = await see(stored)
      if (seen === undefined) continue
      const item = { ...seen, revision: stored.revision }
      length += JSON.stringify(item).length
      if (length > LENGTH_MAX && items.length > 0) return { items, next: items.at(-1)?.revision }
      items.push(item)
    }
    left -= entries.length
    from = next
  }
  return { items, ...(from !== undefined && { next: from }) }
}
