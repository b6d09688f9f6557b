/** Something that is put right again and again: whatever a crash or an interruption left undone. */
export interface Task {
  readonly name: string
  readonly run: () => Promise<void>
}

/** Runs the tasks one after the other, now and then every so often, never two rounds at once. */
export function startUpkeep(
  tasks: readonly Task[],
  {
    everyMs,
    onError,
  }: { readonly everyMs: number; readonly onError: (error: unknown, task: string) => void },
): AsyncDisposable & { readonly now: () => Promise<void> } {
  let round: Promise<void> | undefined
  async function runAll(): Promise<void> {
    for (const { name, run } of tasks) {
      try {
        await run()
      } catch (error) {
        onError(error, name)
      }
    }
  }
  const now = (): Promise<void> => (round ??= runAll().finally(() => (round = undefined)))
  const timer = setInterval(() => void now(), everyMs)
  return {
    now,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await round
    },
  }
}
