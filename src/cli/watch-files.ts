import { setTimeout as sleep } from 'node:timers/promises'
import type { SourceFile } from '../admin/documents.ts'
import { GatehouseError } from '../errors.ts'

/** Documents that are followed. */
export interface Watched {
  readonly read: () => Promise<readonly SourceFile[]>
  /** Rejects when it cannot be done; then what was before stays. */
  readonly apply: (sources: readonly SourceFile[]) => Promise<void>
  /** Told once for every state of the files. */
  readonly onFault: (error: unknown) => void
  readonly signal: AbortSignal
}

/**
 * How often the files are read. Reading them tells a change on every file system, through every editor and every mount,
 * and a few hundred small files cost little.
 */
const EVERY_MS = 500

/** Applies at once, and again whenever the files say something else and have come to rest. Until the signal. */
export async function watchSources(watched: Watched): Promise<void> {
  const { signal, onFault } = watched
  const isOver = (): boolean => signal.aborted
  let [seen, tried, told] = ['', '', '']
  while (!isOver()) {
    const found = await look(watched)
    const isAtRest = found.key === seen || tried === '' // A file that is being written says half of it.
    seen = found.key
    if (seen !== tried && isAtRest) {
      tried = seen
      try {
        await found.act()
        told = ''
      } catch (error) {
        if (isOver()) return
        const message = error instanceof Error ? error.message : String(error)
        if (message !== told) onFault(error)
        told = message
        if (isPassing(error)) tried = '' // The same files, once there is somebody to tell.
      }
    }
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
}

/** What the files are now, told apart from what they were, and what to do about it. */
async function look({ read, apply }: Watched): Promise<{ readonly key: string; act(): Promise<void> }> {
  try {
    const sources = await read()
    return { key: JSON.stringify(sources), act: () => apply(sources) }
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error))
    return { key: reason.message, act: () => Promise.reject(reason) }
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof GatehouseError && ['unavailable', 'busy'].includes(error.code)
}
