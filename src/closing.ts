import { setTimeout as sleep } from 'node:timers/promises'

export interface Closing {
  /** Then nobody is waited for any more: draining asks a server, and one that hangs never answers. */
  readonly waitMsMax: number
  readonly onError: (error: unknown) => void
}

/** Closes all, the newest first. One that fails or hangs does not keep the others open. Never rejects. */
export async function closeAll(
  opened: readonly AsyncDisposable[],
  { waitMsMax, onError }: Closing,
): Promise<void> {
  const timer = new AbortController()
  const deadline = sleep(waitMsMax, undefined, { signal: timer.signal }).catch(() => undefined)
  for (const each of [...opened].reverse()) {
    const closed = (async () => each[Symbol.asyncDispose]())().catch(onError)
    await Promise.race([closed, deadline])
  }
  timer.abort()
}
